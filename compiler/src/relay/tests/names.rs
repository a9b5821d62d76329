//! Names and numbers of the text in the graph, and the form in which a graph is printed.

use super::*;
use crate::graph::{Op, ValueId, Window};

fn names(g: &Graph) -> Vec<&str> {
    g.nodes.iter().map(|n| n.name.as_str()).collect()
}

#[test]
fn nodes_are_named_by_span_then_by_binding() {
    let g = graph(
        "def @main(%x: Tensor[(1, 4), float32]) {
           %0 = nn.relu(%x) /* ty=Tensor[(1, 4), float32] span=block1/act:0:0 */;
           %1 = tanh(%0) /* ty=Tensor[(1, 4), float32] span=from_string:24:14 */;
           let %y: Tensor[(1, 4), float32] = sigmoid(exp(%1) /* span=a: b:0:0 */);
           %7 = (negative(%y)); // %7 is a number like any other
           abs(%7)
         }",
    );
    assert_eq!(names(&g), ["block1/act", "%1", "a: b", "%y", "%7", "Abs_5"]);
    let value = |n: usize| &g.value(g.nodes[n].outputs[0]).name;
    assert_eq!((value(3).as_str(), value(0).as_str()), ("y", ""));
    assert_eq!(g.value(g.inputs[0]).name, "x");
}

/// What the text calls %3 is %3 in every message, whatever else the graph holds.
#[test]
fn numbers_are_those_of_the_text() {
    let g = graph(
        "def @main(%x: Tensor[(1, 4), float32]) {
           %0 = add(%x, 2f);
           %1 = split(%0, indices_or_sections=2, axis=1);
           %2 = subtract(%1.1, %1.0);
           %3 = nn.relu(%2);
           (%3, %0)
         }",
    );
    let id_of = |op: &str| g.nodes.iter().find(|n| n.op.name() == op).unwrap().outputs[0];
    assert_eq!([id_of("Add"), id_of("Sub"), id_of("Relu")], [ValueId(0), ValueId(2), ValueId(3)]);
    assert_eq!(g.outputs, [ValueId(3), ValueId(0)]);
    // The rest fill the gaps: the input, the constant, the two pieces.
    assert_eq!(g.inputs, [ValueId(1)]);
    assert_eq!(g.constant_data(ValueId(4)), Some(&[2.0][..]));
}

#[test]
fn a_bias_joins_the_layer_that_feeds_it_alone() {
    let text = |result: &str| {
        format!(
            "def @main(%x: Tensor[(1, 1, 2, 2), float32]) {{
               %0 = nn.conv2d(%x, ones(shape=[1, 1, 1, 1])) /* span=conv:0:0 */;
               %1 = nn.bias_add(%0, full(3f, shape=[1])) /* span=bias:0:0 */;
               {result}
             }}"
        )
    };
    let joined = graph(&text("%1"));
    assert_eq!(names(&joined), ["conv"]);
    let bias = joined.nodes[0].inputs[2];
    assert_eq!(joined.constant_data(bias), Some(&[3.0][..]));
    let apart = graph(&text("(%1, %0)"));
    assert_eq!(names(&apart), ["conv", "bias"]);
    assert_eq!(apart.nodes[1].op, Op::Add);
}

#[test]
fn dotted_names_are_variables_before_they_are_fields() {
    let g = graph(
        "def @main(%layer1.0.weight: Tensor[(1, 4), float32]) {
           let %layer1 = (%layer1.0.weight, nn.relu(%layer1.0.weight));
           (%layer1.1, %layer1.0.weight, %layer1.0)
         }",
    );
    assert_eq!(g.value(g.inputs[0]).name, "layer1.0.weight");
    assert_eq!(g.outputs[1..], [g.inputs[0], g.inputs[0]]);
    assert_eq!(g.outputs[0], g.nodes[0].outputs[0]);
}

#[test]
fn assumptions_are_warned_of() {
    let mut params = Params::default();
    params.insert("nobody", &[1], vec![1.0]).unwrap();
    let text = "def @main(%x: Tensor[(?, 4), float32]) { nn.relu(%x) }";
    let imported = parse(text, "net.relay", &params).unwrap();
    assert_eq!(imported.graph.shape(ValueId(0)), [1, 4]);
    assert!(imported.warnings[0].contains("%x") && imported.warnings[0].contains("batch"));
    assert!(imported.warnings[1].contains("\"nobody\""));
}

/// The printed form by hand: what TVM's printer writes, with the numbers of the graph.
#[test]
fn prints_as_tvm_does() {
    let mut g = Graph::new("net");
    let x = g.input("x:0", &[1, 2, 4, 4]).unwrap();
    let w = g.constant("conv.w", &[3, 2, 1, 1], vec![0.5; 6]).unwrap();
    let b = g.constant("", &[3], vec![1.0; 3]).unwrap();
    let window = Window { stride: [2, 2], ..Window::UNIT };
    let y = g.node("conv 1", Op::Conv { window, groups: 1 }, &[x, w, b]).unwrap();
    let half = g.constant("half", &[], vec![0.5]).unwrap();
    let z = g.node("add", Op::Add, &[y, half]).unwrap();
    let c = g.node("clip", Op::Clip { min: 0.0, max: f32::INFINITY }, &[z]).unwrap();
    g.values[c.0 as usize].name = "out".to_owned();
    g.outputs = vec![c, y];
    let image = "Tensor[(1, 3, 2, 2), float32]";
    let expected = format!(
        r#"#[version = "0.0.5"]
def @main(%x_0: Tensor[(1, 2, 4, 4), float32] /* ty=Tensor[(1, 2, 4, 4), float32] name=x:0 */) -> ({image}, {image}) {{
  %3 = nn.bias_add(nn.conv2d(%x_0, meta[relay.Constant][0] /* ty=Tensor[(3, 2, 1, 1), float32] span=conv.w:0:0 */, strides=[2, 2], padding=[0, 0, 0, 0], channels=3, kernel_size=[1, 1]) /* ty={image} span=conv\u{{20}}1:0:0 */, meta[relay.Constant][1] /* ty=Tensor[(3), float32] */) /* ty={image} span=conv\u{{20}}1:0:0 */;
  %5 = add(%3, 0.5f /* ty=float32 span=half:0:0 */) /* ty={image} span=add:0:0 */;
  %6 = clip(%5, a_min=0f, a_max=inff) /* ty={image} span=clip:0:0 name=out */;
  (%6, %3)
}}
"#
    );
    assert_eq!(print(&g, Data::Elided), expected);
    assert_eq!(graph(&print(&g, Data::Full)), Graph { name: "net.relay".to_owned(), ..g });
}
