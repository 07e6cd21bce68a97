package adminapi

// Version of this contract that this build speaks. The path of every call has its major.
const Version = "1.5.0"
