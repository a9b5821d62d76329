//! Damaged texts are refused with a place, and never make the parser panic.

use super::*;
use crate::graph::random::graph as random_graph;
use tilewright_random::Random;

/// Uses most of the grammar.
const TEXT: &str = r#"#[version = "0.0.5"]
def @half(%y: Tensor[(1, 2, 4, 4), float32]) {
  multiply(%y, 0.5f)
}
def @main(%x: Tensor[(1, 2, 4, 4), float32], %w: Tensor[(2, 2, 1, 1), float32]) -> (Tensor[(1, 1, 4, 4), float32], Tensor[(1, 2, 4, 4), float32]) {
  %0 = nn.conv2d(%x, meta[relay.Constant][0], padding=[0, 0, 0, 0], channels=2, kernel_size=[1, 1]) /* ty=Tensor[(1, 2, 4, 4), float32] span=conv:0:0 */;
  let %s: Tensor[(1, 2, 4, 4), float32] = @half(%0);
  %1 = fn (%a, %b) { add(%a, %b) };
  %2 = split(%s, indices_or_sections=2, axis=1);
  %3 = %1(%2.0, -1f) * %2.1; // a comment
  %4 = nn.pad(%s, 0, pad_width=[[0, 0], [0, 0], [0, 0], [0, 0]], pad_mode="edge");
  (%3, (nn.conv2d(%4, %w)))
}
#[metadata]
"#;

fn whole() -> String {
    let constant = array::NdArray::floats(&[2, 2, 1, 1], vec![1.0, 0.0, 0.0, 1.0]);
    TEXT.replace("#[metadata]\n", &meta::write(&[constant]))
}

fn tries(text: &str) -> Result<crate::graph::Graph> {
    let mut params = Params::default();
    params.insert("w", &[2, 2, 1, 1], vec![1.0; 4]).unwrap();
    Ok(parse(text, "net.relay", &params)?.graph)
}

#[test]
fn the_whole_text_is_read() {
    let g = tries(&whole()).unwrap();
    assert_eq!(g.nodes.len(), 8);
    assert_eq!(g.nodes[0].name, "conv");
}

#[test]
fn truncated_texts_are_refused_with_a_place() {
    let text = whole();
    let end = text.find("#[metadata]").unwrap();
    let body = text[..end].trim_end().len();
    // Between the functions the text is complete: a network of one function.
    let first = text.find("}\ndef @main").unwrap() + 1;
    for cut in (0..first).chain(first + 2..body) {
        let e = tries(&text[..cut]).unwrap_err().to_string();
        assert!(e.contains("net.relay"), "{cut}: {e}");
    }
    for cut in end..text.trim_end().len() {
        assert!(tries(&text[..cut]).is_err(), "{cut}");
    }
}

/// Replaces, inserts, removes and swaps pieces of a text.
fn mutate(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..1 + random.below(3) {
        let at = random.below(chars.len());
        let end = (at + 1 + random.below(12)).min(chars.len());
        match random.below(5) {
            0 => {
                chars.drain(at..end);
            }
            1 => {
                let piece: Vec<char> = chars[at..end].to_vec();
                let to = random.below(chars.len());
                chars.splice(to..to, piece);
            }
            2 => {
                let marks: Vec<char> = "(){}[],;:=.%@#\"/*-+<>0179efix \u{e9}\n".chars().collect();
                chars[at] = marks[random.below(marks.len())];
            }
            3 => {
                let words = [
                    "-1",
                    "0",
                    "99999999999",
                    "1e39f",
                    "inff",
                    "%0",
                    "%x",
                    "None",
                    "\"NHWC\"",
                    "[",
                    "fn (%a) {",
                ];
                chars.splice(at..end, words[random.below(words.len())].chars());
            }
            _ => {
                let other = random.below(chars.len());
                chars.swap(at, other);
            }
        }
        if chars.is_empty() {
            return String::new();
        }
    }
    chars.into_iter().collect()
}

#[test]
fn mutated_texts_never_panic() {
    let mut random = Random::new(11);
    let text = whole();
    let body = &text[..text.find("#[metadata]").unwrap()];
    let tail = &text[body.len()..];
    let (mut read, mut refused) = (0, 0);
    for _ in 0..4000 {
        match tries(&format!("{}{tail}", mutate(body, &mut random))) {
            Ok(g) => {
                g.verify().unwrap();
                read += 1;
            }
            Err(e) => {
                assert!(e.to_string().starts_with("error[import]: net.relay"), "{e}");
                refused += 1;
            }
        }
    }
    // Most damage is noticed, some is none: names and numbers may be others.
    assert!(read > 100 && refused > 1000, "{read} read, {refused} refused");
}

#[test]
fn mutated_graphs_never_panic() {
    let mut random = Random::new(12);
    for seed in 0..400 {
        let text = print(&random_graph(seed), Data::Full);
        for _ in 0..5 {
            if let Ok(g) = tries(&mutate(&text, &mut random)) {
                g.verify().unwrap();
            }
        }
    }
}

#[test]
fn deep_and_endless_texts_are_refused() {
    let deep = [("(", ")"), ("nn.relu(", ")"), ("{", "}"), ("fn (%a) {", "}"), ("/*", "*/")];
    for (open, close) in deep {
        let text = format!("{}%x{}", open.repeat(100_000), close.repeat(100_000));
        assert!(tries(&text).is_err(), "{open}");
    }
    let lists = format!("reshape(%x, newshape={}{})", "[".repeat(100_000), "]".repeat(100_000));
    assert!(tries(&lists).is_err());
    let types = format!("free_var %x: {}; %x", "(".repeat(100_000));
    assert!(tries(&types).is_err());
    let endless = "def @main(%x: Tensor[(1), float32]) { @main(%x) }";
    assert!(tries(endless).unwrap_err().to_string().contains("nested"));
    let mut doubling = String::from("def @f0(%x) { nn.relu(%x) }\n");
    for n in 1..60 {
        doubling += &format!("def @f{n}(%x) {{ @f{}(@f{0}(%x)) }}\n", n - 1);
    }
    doubling += "def @main(%x: Tensor[(1), float32]) { @f59(%x) }";
    assert!(tries(&doubling).unwrap_err().to_string().contains("inlining"));
}

#[test]
fn long_chains_are_read() {
    let mut text = String::from("def @main(%x: Tensor[(3), float32]) {\n  %0 = add(%x, 1f);\n");
    for n in 1..20_000 {
        text += &format!("  %{n} = add(%{}, 1f);\n", n - 1);
    }
    text += "  %19999\n}";
    assert_eq!(tries(&text).unwrap().nodes.len(), 20_000);
}
