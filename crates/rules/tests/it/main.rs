//! What rule files say and what is reported about wrong ones, through the public face of the crate.
#![cfg(test)]

mod lint;
mod project;
mod robust;
mod sample;
