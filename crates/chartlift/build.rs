//! The packs of this repository are compiled into the binary; a file added to one of them must rebuild it.

fn main() {
    for folder in ["systems", "targets", "canonical", "maps"] {
        println!("cargo::rerun-if-changed=../../{folder}");
    }
}
