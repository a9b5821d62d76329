//! The text form: by hand, damaged, and there and back.

use super::*;
use crate::graph::Data;
use crate::graph::random::graph;
use crate::onnx::import;
use crate::testing::models;
use proptest::prelude::*;

/// Written by hand: the text is an interface, not whatever the printer happens to write.
const SMALL: &str = r#"graph "a \"b\".onnx" {
  %0 = input() /* x */: Tensor[(1, 2, 4, 4), float32]
  %2 = conv2d(%0, meta[Constant][1], kernel=[1, 1], strides=[1, 1], padding=[0, 0, 0, 0], dilation=[1, 1], groups=1) /* conv1 -> act */: Tensor[(1, 1, 4, 4), float32]
  %3 = clip(%2, min=0.0, max=inf) /* Clip_1 */: Tensor[(1, 1, 4, 4), float32]
  (%3, %2, meta[Constant][1])
}
meta[Constant][1] /* w\u{2a}/ */: Tensor[(1, 2, 1, 1), float32] = [0.1, -1e-30]
"#;

#[test]
fn reads_and_prints_the_documented_form() {
    let g = parse(SMALL).unwrap();
    assert_eq!(g.name, "a \"b\".onnx");
    assert_eq!(g.values[1].name, "w*/");
    assert_eq!(g.values[2].name, "act");
    assert_eq!(g.nodes[0].name, "conv1");
    assert_eq!(g.constant_data(ValueId(1)), Some(&[0.1, -1e-30][..]));
    assert_eq!(g.outputs, [ValueId(3), ValueId(2), ValueId(1)]);
    assert_eq!(g.to_string(), SMALL);
}

#[test]
fn names_that_look_like_syntax_survive() {
    for name in ["a -> b", "*/: Tensor[(1,), float32]", " x ", "\\u{41}", "a\nb", "\"", "", "->"] {
        let mut g = parse(SMALL).unwrap();
        g.name = name.to_owned();
        g.nodes[0].name = name.to_owned();
        for value in &mut g.values {
            value.name = name.to_owned();
        }
        assert_eq!(parse(&g.to_string()).unwrap(), g);
    }
}

#[test]
fn elided_constants_are_an_error_that_says_so() {
    let text = parse(SMALL).unwrap().text(Data::Elided);
    assert!(text.ends_with("= [...]\n"), "{text}");
    let e = parse(&text).unwrap_err();
    assert!(e.to_string().contains("elided"), "{e}");
}

#[test]
fn damaged_text_is_refused_by_line() {
    let rows = [
        ("%2 = conv2d", "%2 = conv3d", "line 3"),
        ("groups=1", "groups=one", "line 3"),
        ("groups=1", "grips=1", "line 3"),
        ("kernel=[1, 1]", "kernel=[1]", "line 3"),
        ("%3 = clip", "%2 = clip", "line 4"),
        ("max=inf", "max=inf, min=1.0", "line 4"),
        ("%3 = clip(%2", "%3 = clip(%9", "reads %9"),
        ("%0 = input", "%7 = input", "not all made"),
        ("-1e-30]", "-1e-30", "line 7"),
        ("0.1", "NaN", "is NaN"),
        ("(1, 1, 4, 4)", "(1, 1, 4, 5)", "operator gives"),
        ("\n}\n", "\n", "line 6"),
    ];
    for (from, to, expected) in rows {
        let e = parse(&SMALL.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(e.contains(expected), "{from} -> {to}: {e}");
    }
}

#[test]
fn models_survive_the_round_trip() {
    for folder in models() {
        let g = import(&folder.join("model.onnx")).unwrap().graph;
        let back = parse(&g.to_string()).unwrap();
        assert!(back == g, "{}", folder.display());
    }
}

proptest! {
    #[test]
    fn random_graphs_survive_the_round_trip(seed: u64, name in "\\PC*", node in any::<String>()) {
        let mut g = graph(seed);
        g.name = name;
        g.nodes[0].name = node.clone();
        g.values[0].name = node;
        prop_assert_eq!(parse(&g.to_string()).unwrap(), g);
    }

    #[test]
    fn no_text_makes_the_parser_panic(at in 0..SMALL.len(), insert in "[%(){}\\[\\]0-9=, \\\\\"\\PC]{0,4}", cut in 0..40usize) {
        let end = (at + cut).min(SMALL.len());
        if SMALL.is_char_boundary(at) && SMALL.is_char_boundary(end) {
            let _ = parse(&format!("{}{insert}{}", &SMALL[..at], &SMALL[end..]));
        }
    }
}
