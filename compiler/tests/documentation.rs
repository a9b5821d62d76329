//! The committed table of operators equals the one generated from code; `BLESS=1` rewrites it.

use std::fs;
use std::path::Path;

#[test]
fn the_table_of_operators_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operators.md");
    let wanted = tilewright_compiler::onnx::document();
    if std::env::var_os("BLESS").is_some() {
        assert!(std::env::var_os("CI").is_none(), "nothing is blessed where CI is set");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "docs/operators.md is stale: BLESS=1 cargo test --test documentation");
}
