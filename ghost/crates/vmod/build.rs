//! Links the VMOD so that it stays in the process once it is loaded.
//!
//! Configuration, connection pools and counters live as long as varnishd's child, also across a
//! moment when no loaded VCL imports ghost; Varnish would unload the library then.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=GHOST_VERSION");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
