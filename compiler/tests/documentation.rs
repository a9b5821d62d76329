//! The documents say what the tree says. `BLESS=1` rewrites the table of operators.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The table of operators equals the one generated from code.
#[test]
fn the_table_of_operators_is_current() {
    let file = root().join("docs/operators.md");
    let wanted = tilewright_compiler::onnx::document();
    if common::blessing() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &wanted).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == wanted, "docs/operators.md is stale: BLESS=1 cargo test --test documentation");
}

/// The table of a machine's fields is the one that machines are validated by.
#[test]
fn the_fields_of_machines_are_documented() {
    let text = fs::read_to_string(root().join("docs/machine.md")).unwrap();
    let table = tilewright_arch::config::table();
    assert!(text.contains(&table), "docs/machine.md should have this table:\n{table}");
    let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    assert_eq!(tilewright_arch::Config::from_toml(example).unwrap().lanes, 4);
}

/// What stands between backticks in one line of a text, if it is one word.
fn quoted(text: &str) -> Vec<&str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| !word.contains(' ') && !word.is_empty())
        .collect()
}

/// Folders that names of files start from.
const STARTS: [&str; 6] = ["", "compiler", "compiler/src", "hdl/src", "arch/src", "sim"];
const CRATES: [&str; 6] = ["arch", "compiler", "hdl", "random", "sim", "timing"];

/// Each file below a folder that is Rust.
fn walk(folder: &Path, visit: &mut dyn FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|e| e == "rs") {
            visit(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}

/// Whether `crate::module::Name` is a module and something in that crate.
fn known(name: &str) -> bool {
    let mut parts = name.split("::");
    let (of, module) = (parts.next().unwrap(), parts.next().unwrap());
    let src = root().join(of).join("src");
    let file = [format!("{module}.rs"), format!("{module}/mod.rs")].iter().any(|f| src.join(f).is_file());
    let mut text = String::new();
    walk(&src, &mut |_, source| text += source);
    let last = parts.last().unwrap_or(module);
    let words = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == last);
    words(&text) && (file || last == module)
}

/// Files, folders, modules and items that the architecture's text names are there: its recipes stay true.
#[test]
fn what_the_architecture_names_is_there() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut looked = 0;
    for word in quoted(&text) {
        if word.contains("::") {
            if !CRATES.contains(&word.split("::").next().unwrap()) || word.contains(['<', '{']) {
                continue;
            }
            assert!(known(word), "there is no {word}");
        } else if word.contains('/') && !word.starts_with("out/") {
            let there = STARTS.iter().any(|start| root().join(start).join(word).exists());
            assert!(there, "there is no {word}");
        } else {
            continue;
        }
        looked += 1;
    }
    assert!(looked > 60, "{looked} names were looked for");
    assert!(!known("compiler::quantise::Nonesuch") && !known("arch::nothing::TileOp"));
}

/// What the architecture's text says of the room in the encoding is so.
#[test]
fn the_room_in_the_encoding_is_as_documented() {
    use tilewright_arch::encoding::{TILE_BYTES, TRANSFER_BYTES, tile, transfer};
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (tiles, transfers) = ([tile::BITS, 8 * TILE_BYTES], [transfer::BITS, 8 * TRANSFER_BYTES]);
    let said = format!(
        "a tile has {} of its {} bits, a transfer {} of {}",
        tiles[0], tiles[1], transfers[0], transfers[1]
    );
    assert!(text.contains(&said), "ARCHITECTURE.md should say: {said}");
}

/// Folders with sources.
const SOURCES: [&str; 9] = ["arch", "compiler", "hdl", "oracle", "random", "sim", "src", "tests", "timing"];
/// Lines of a function that can still be read as one piece.
const MOST_LINES: usize = 160;

/// A line of code without `pub`, `pub(crate)`, `pub(in super::super)` in front.
fn unseen(code: &str) -> &str {
    match code.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ").map_or(code, |(_, rest)| rest),
        None => code.strip_prefix("pub ").unwrap_or(code),
    }
}

/// Functions of a text with their lengths: from the line of `fn` to the brace that closes it at the same depth.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = vec![];
    for (first, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let mut words =
            unseen(code).split(' ').skip_while(|word| ["const", "unsafe", "async"].contains(word));
        let (Some("fn"), Some(name)) = (words.next(), words.next()) else { continue };
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        if let Some(length) = lines[first..].iter().position(|line| line.starts_with(&end)) {
            found.push((name.split(['(', '<']).next().unwrap(), length + 1));
        }
    }
    found
}

/// No function is longer than what a reader sees at once.
#[test]
fn functions_are_read_as_one_piece() {
    let text = "mod a {\n    pub(crate) fn two() {\n    }\n}\nconst fn three(\n) {\n}\n";
    assert_eq!(functions(text), [("two", 2), ("three", 3)]);
    let (mut all, mut long) = (0, vec![]);
    for folder in SOURCES {
        walk(&root().join(folder), &mut |path, text| {
            let found = functions(text);
            all += found.len();
            let over = found.iter().filter(|(_, lines)| *lines > MOST_LINES);
            long.extend(over.map(|(name, lines)| format!("{}: {name} has {lines} lines", path.display())));
        });
    }
    assert!(all > 3000, "{all} functions were looked at");
    assert!(long.is_empty(), "at most {MOST_LINES} lines:\n{}", long.join("\n"));
}

/// The type that a line defines, unless it belongs to a trait.
fn type_name(line: &str) -> Option<&str> {
    let code = line.trim_start();
    let mut words = unseen(code).split(' ');
    let kind = words.next().filter(|kind| *kind != "type" || code == line)?;
    let name = words.next().filter(|_| ["struct", "enum", "trait", "type", "union"].contains(&kind))?;
    name.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// Types of a text, but for those of its tests.
fn types(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[cfg(test)]\nmod tests {").take(1).flat_map(str::lines).filter_map(type_name)
}

/// One name is one type, unless the glossary says that several layers have their own of one idea.
#[test]
fn no_type_name_is_there_twice() {
    let text = "pub struct A<T> {\nenum B {\npub(in super::super) type C = A;\n    type Output = A;\n#[cfg(test)]\nmod tests {\nstruct D;\n";
    assert_eq!(types(text).collect::<Vec<_>>(), ["A", "B", "C"]);
    let glossary = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, glossary) = glossary.split_once("## Glossary").unwrap();
    let layers = quoted(glossary);
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for folder in SOURCES {
        walk(&root().join(folder), &mut |path, text| {
            let path = path.strip_prefix(root()).unwrap().display().to_string();
            if !path.contains("tests/") && !path.ends_with("tests.rs") {
                for name in types(text) {
                    places.entry(name.to_owned()).or_default().push(path.clone());
                }
            }
        });
    }
    assert!(places.len() > 550, "{} names were looked at", places.len());
    places.retain(|_, files| files.len() > 1);
    for name in &layers {
        assert!(places.remove(*name).is_some(), "the glossary names {name}, which is there once");
    }
    assert!(places.is_empty(), "names of several types: {places:#?}");
}

/// What each file of a folder takes from its neighbours by `use super::`.
fn imports(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_none_or(|e| e != "rs") || name == "mod" {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let own = text.split("#[cfg(test)]").next().unwrap().lines();
        let from = own.filter_map(|line| line.trim_start_matches("pub ").strip_prefix("use super::"));
        let from = from.map(|rest| rest.split([':', ';']).next().unwrap().to_owned());
        all.insert(name, from.collect());
    }
    all
}

/// Files that take from each other in a circle; none where all can be read one after the other.
fn circle(imports: &BTreeMap<String, Vec<String>>) -> Vec<&String> {
    let mut left: Vec<&String> = imports.keys().collect();
    loop {
        let before = left.len();
        let still = left.clone();
        left.retain(|name| imports[*name].iter().any(|from| still.contains(&from)));
        if left.len() == before {
            return left;
        }
    }
}

/// Selection and scheduling can be read from the leaves up.
#[test]
fn files_do_not_import_each_other_in_circles() {
    let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, Vec<String>> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), vec![(*b).to_owned()])).collect()
    };
    assert_eq!(circle(&of(&[("a", "b"), ("b", "c"), ("c", "b")])).len(), 3);
    assert!(circle(&of(&[("a", "b"), ("b", "c"), ("c", "d")])).is_empty());
    for folder in ["quantise/select", "schedule", "tile"] {
        let imports = imports(&root().join("compiler/src").join(folder));
        assert!(imports.len() > 8, "{folder} has {} files", imports.len());
        let circle = circle(&imports);
        assert!(circle.is_empty(), "{folder}: {circle:?}");
    }
}

/// The lines that each hunk of a patch wants to find, by file.
fn wanted(patch: &str) -> Vec<(&str, String)> {
    let mut hunks: Vec<(&str, String)> = vec![];
    let mut file = "";
    for line in patch.lines() {
        if let Some(name) = line.strip_prefix("+++ b/") {
            file = name;
        } else if line.starts_with("@@ ") {
            hunks.push((file, "\n".into()));
        } else if let (Some((_, text)), Some(kept)) = (hunks.last_mut(), line.strip_prefix([' ', '-'])) {
            // The next file's header begins like a removed line.
            if !line.starts_with("--- a/") {
                *text += kept;
                text.push('\n');
            }
        }
    }
    hunks
}

/// A mutant that no longer applies, or whose test is called otherwise by now, is one that nothing would see.
#[test]
fn mutants_apply_and_their_tests_are_there() {
    let mut sources = String::new();
    SOURCES.iter().for_each(|folder| walk(&root().join(folder), &mut |_, text| sources += text));
    let mut looked = 0;
    for entry in fs::read_dir(root().join("tests/mutants")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "patch") {
            continue;
        }
        let (name, text) = (path.display(), fs::read_to_string(&path).unwrap());
        let hunks = wanted(&text);
        assert!(!hunks.is_empty(), "{name} changes nothing");
        for (file, lines) in hunks {
            let there = fs::read_to_string(root().join(file)).unwrap_or_default();
            assert!(
                format!("\n{there}").contains(&lines),
                "{name}: {file} does not have these lines:{lines}"
            );
        }
        let test = text.lines().find_map(|line| line.strip_prefix("test: ")).expect("it names its test");
        // The last argument is a part of a test's path.
        let last = test.rsplit([' ', ':']).next().unwrap();
        assert!(sources.contains(last), "{name}: there is no test {last}");
        looked += 1;
    }
    assert!(looked > 100, "{looked} mutants were looked at");
    let patch = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n one\n-two\n+three\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-four\n";
    assert_eq!(wanted(patch), [("x", "\none\ntwo\n".to_string()), ("y", "\nfour\n".to_string())]);
}
