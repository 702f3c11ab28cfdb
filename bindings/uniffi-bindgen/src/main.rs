//! Generates what Kotlin and Swift call the native library with, out of the library itself: of the version that the library was built with.

fn main() {
    uniffi::uniffi_bindgen_main();
}
