//! Links the image as a driver.

fn main() {
    for argument in
        ["/DRIVER", "/NODEFAULTLIB", "/SUBSYSTEM:NATIVE", "/ENTRY:DriverEntry", "/DEBUG", "/DYNAMICBASE"]
    {
        println!("cargo::rustc-link-arg-cdylib={argument}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
