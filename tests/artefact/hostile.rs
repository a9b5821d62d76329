//! What is not an artefact, or no longer, or another one under seal, is refused.

use crate::common::{Random, folder, lenet, refused, text, tilewright};
use crate::{at, done, json, names};
use std::path::Path;
use tilewright::artefact::{Artefact, SCHEMA};

/// A bit that flips in any file is found, by the file's name.
#[test]
fn a_flipped_bit_is_refused() {
    let work = folder("flipped");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    assert_eq!(names(&net).len(), 7);
    for name in names(&net) {
        let path = net.join(&name);
        let bytes = std::fs::read(&path).unwrap();
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            std::fs::write(&path, flipped).unwrap();
            refused(&["simulate", net.to_str().unwrap()], &[&name, "try:"]);
        }
        std::fs::remove_file(&path).unwrap();
        if name != "manifest.json" {
            refused(&["simulate", net.to_str().unwrap()], &[&name, "try:"]);
        }
        std::fs::write(&path, bytes).unwrap();
    }
    done(&["simulate", net.to_str().unwrap()]);
    // Another version, an earlier or a later one, says which, and what to do.
    let manifest = net.join("manifest.json");
    let own = std::fs::read_to_string(&manifest).unwrap();
    for other in [SCHEMA - 1, 99] {
        let text = own.replace(&format!("\"schema\": {SCHEMA},"), &format!("\"schema\": {other},"));
        std::fs::write(&manifest, text).unwrap();
        let said = ["manifest.json", &format!("schema {other}"), "compile the model again"];
        refused(&["simulate", net.to_str().unwrap()], &said);
    }
}

/// Archives hold plain files, each once, and bytes that are theirs.
#[test]
fn packs_are_read_with_care() {
    let work = folder("packs");
    let pack = at(&work, "net.zip");
    done(&["compile", &lenet(), "--array", "4x4", "--pack", "-o", &pack]);
    let bytes = std::fs::read(&pack).unwrap();
    let bad = at(&work, "bad.zip");
    let manifest = b"manifest.json";
    for other in [b"../ifest.json", b"a/nifest.json", b"/anifest.json"] {
        let mut changed = bytes.clone();
        for place in 0..changed.len() - manifest.len() {
            if changed[place..].starts_with(manifest) {
                changed[place..place + manifest.len()].copy_from_slice(other);
            }
        }
        std::fs::write(&bad, changed).unwrap();
        refused(&["simulate", &bad], &["has no place in an artefact"]);
    }
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    for broken in [&flipped[..], &bytes[..bytes.len() / 2]] {
        std::fs::write(&bad, broken).unwrap();
        refused(&["simulate", &bad], &["bad.zip"]);
    }
    // Nor is there a byte between the members that may be another.
    let directory = bytes.len() - 700..bytes.len();
    for place in (0..30).chain(directory.step_by(5)) {
        let mut flipped = bytes.clone();
        flipped[place] ^= 1;
        std::fs::write(&bad, flipped).unwrap();
        assert!(Artefact::read(Path::new(&bad)).is_err(), "byte {place}");
    }
    std::fs::write(work.join("notes"), "mine").unwrap();
    refused(&["compile", &lenet(), "--pack", "-o", &at(&work, "notes")], &["no artefact", "try:"]);
    assert_eq!(std::fs::read(work.join("notes")).unwrap(), b"mine");
}

/// A link in place of a file leads out of the artefact.
#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let work = folder("links");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    let machine = names(&net).into_iter().find(|name| name.starts_with("machine")).unwrap();
    std::fs::rename(net.join(&machine), work.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(work.join("elsewhere"), net.join(&machine)).unwrap();
    refused(&["simulate", net.to_str().unwrap()], &[&machine, "is a link", "try:"]);
}

/// Seals a manifest whose text somebody has changed.
fn reseal(net: &Path) {
    let text = std::fs::read_to_string(net.join("manifest.json")).unwrap();
    let (body, _) = text.rsplit_once("\"sha256\": \"").unwrap();
    let seal = hash(format!("{body}\"sha256\": \"\"\n}}\n").as_bytes());
    std::fs::write(net.join("manifest.json"), format!("{body}\"sha256\": \"{seal}\"\n}}\n")).unwrap();
}

fn hash(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// An artefact's text with the hash of a changed file, and its own, as whoever seals nonsense would write them.
fn sealed(net: &Path, role: &str, bytes: &[u8]) {
    let path = net.join("manifest.json");
    let mut manifest = json(&std::fs::read_to_string(&path).unwrap());
    let file = &mut manifest["files"][role];
    std::fs::write(net.join(file["name"].as_str().unwrap()), bytes).unwrap();
    file["sha256"] = hash(bytes).into();
    file["bytes"] = bytes.len().into();
    // Fields in the order of the text, which a parsed object does not keep.
    let text = std::fs::read_to_string(&path).unwrap();
    let old = json(&text)["files"][role].clone();
    let text = text
        .replace(old["sha256"].as_str().unwrap(), &hash(bytes))
        .replace(&format!("\"bytes\": {},\n      \"sha256\": \"{}\"", old["bytes"], hash(bytes)), &{
            format!("\"bytes\": {},\n      \"sha256\": \"{}\"", bytes.len(), hash(bytes))
        });
    std::fs::write(&path, text).unwrap();
    reseal(net);
}

/// Whatever is sealed, nothing panics, and nothing of another network is run.
#[test]
fn nonsense_that_is_sealed_is_refused() {
    let work = folder("nonsense");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    let read = |role: &str| {
        let name = names(&net).into_iter().find(|name| name.starts_with(role)).unwrap();
        std::fs::read(net.join(name)).unwrap()
    };
    let manifest = std::fs::read(net.join("manifest.json")).unwrap();
    let to = net.to_str().unwrap();
    let mut random = Random::new(8);
    for role in ["network", "source"] {
        let bytes = read(role);
        for _ in 0..25 {
            let mut other = bytes.clone();
            // Weights are most of it: what says how they are used stands at the ends.
            let end = random.below(2) * (bytes.len() - 1500);
            other[end + random.below(1500)] = random.below(256) as u8;
            sealed(&net, role, &other);
            let output = tilewright(&["verify", to]);
            let error = text(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1 | 3)), "{role}: {error}");
            std::fs::write(net.join("manifest.json"), &manifest).unwrap();
        }
        sealed(&net, role, &bytes);
    }
    done(&["verify", to]);
    let program = text(&read("program_0"));
    for (from, other) in [("scale=", "scale=2"), ("address=896", "address=700015"), ("zero=-128", "zero=3")] {
        assert!(program.contains(from), "{from}");
        sealed(&net, "program_0", program.replacen(from, other, 1).as_bytes());
        refused(&["generate", to, "-o", &at(&work, "verilog")], &["port", "try: compile again"]);
    }
    sealed(&net, "program_0", program.as_bytes());
    done(&["verify", to]);
}

/// A name that leads out of the folder is refused, with the file that has it and what to try.
#[test]
fn names_that_lead_out_are_refused() {
    let work = folder("names");
    let net = work.join("net");
    done(&["compile", &lenet(), "--array", "4x4", "-o", net.to_str().unwrap()]);
    let golden = names(&net).into_iter().find(|name| name.starts_with("golden")).unwrap();
    let manifest = std::fs::read_to_string(net.join("manifest.json")).unwrap();
    for other in ["../golden.npz", "/etc/passwd", "..", ".golden"] {
        std::fs::write(net.join("manifest.json"), manifest.replace(&golden, other)).unwrap();
        reseal(&net);
        refused(&["simulate", net.to_str().unwrap()], &["manifest.json", other, "nothing is read", "try:"]);
    }
}
