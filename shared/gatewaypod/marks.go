package gatewaypod

// ControllerAnnotation is on every object that is made for a Gateway: the name of the controller that made it, which
// is the controllerName of the Gateway's class. No other controller changes or deletes the object.
const ControllerAnnotation = "gateway.varnish.io/controller"
