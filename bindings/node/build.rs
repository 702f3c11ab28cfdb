//! Tells the linker what a native module of Node needs.

fn main() {
    napi_build::setup();
}
