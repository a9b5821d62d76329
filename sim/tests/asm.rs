//! The text of random programs: reads back as it was, and garbage is refused with a line and a field.

use tilewright_arch::asm::{parse, print};
use tilewright_arch::program::{Program, TensorPort};
use tilewright_random::Random;
use tilewright_sim::random;

fn sample(seed: u64) -> Program {
    let mut program = random::program(seed, &random::config(seed));
    // Names need not be friendly.
    program.layers[0].name = "a \"b\" \\ ; c=\u{7}\n\t é".into();
    program.inputs.push(TensorPort {
        name: "in; \"x\"".into(),
        shape: vec![],
        address: 7,
        scale: 1e-12 + seed as f32,
        zero: -128,
        wide: true,
    });
    program.data.push((1 << 20, vec![]));
    program
}

#[test]
fn round_trip() {
    for seed in 0..300 {
        let program = sample(seed);
        let text = print(&program);
        match parse(&text) {
            Ok(back) => assert_eq!(back, program, "seed {seed}"),
            Err(error) => panic!("seed {seed}: {error}\n{text}"),
        }
    }
}

#[test]
fn text_is_readable() {
    let program = random::program(3, &random::config(3));
    let text = print(&program);
    let mnemonics = ["dense", "rows", "sum", "max", "load", "store"];
    let lines: Vec<&str> = text.lines().filter(|l| mnemonics.iter().any(|m| l.contains(m))).collect();
    assert!(lines.len() >= program.counts().iter().sum(), "{text}");
    // Defaults are left out.
    assert!(lines.iter().all(|line| !line.contains(" planes=1 ") && !line.contains(" taps=1 ")), "{text}");
}

#[test]
fn errors_name_line_and_field() {
    let good = "tilewright 1\nconfig\n".to_string() + &random::config(1).to_toml() + "end\n";
    let last = good.lines().count() + 1;
    for (line, want) in [
        ("compute dense groups=-1", "groups: -1 is out of range"),
        ("compute dense groups=x", "groups: `x` is no number of its range"),
        ("compute dense i0=1,2,3", "i0: needs 4 numbers, has 3"),
        ("compute dense gruops=1", "gruops: is no field of a tile operation"),
        ("compute dens groups=1", "dens: is no tile operation"),
        ("load store", "store: should be `load`"),
        ("load load memory=moon", "memory: there is no memory `moon`"),
        ("store store wait=16", "wait: there is no semaphore 16"),
        ("vector max line_stop=2", "line_stop: 2 is out of range"),
        ("vector max operand.scale=0,70000000000,0", "operand.scale: 70000000000 is out of range"),
        ("layer 1 macs=0", "layer: 1 should be 0"),
        ("data", "data: needs one number"),
        ("  00", "00: bytes without `data`"),
        ("hello", "hello: is no statement"),
        ("output name=\"x", "name=x: a quote is not closed"),
        ("input shape=1,-2", "shape: `-2` is no number of its range"),
        ("stream moon 3", "moon: is no unit"),
    ] {
        let error = parse(&(good.clone() + line)).unwrap_err();
        assert_eq!(error.to_string(), format!("error[asm]: line {last}: {want}"));
    }
    // Texts hold what the encoder then refuses.
    let wide = parse(&(good.clone() + "compute dense groups=70000")).unwrap();
    assert!(wide.image().unwrap_err().to_string().contains("groups"));
    assert_eq!(parse("").unwrap_err().line, 1);
    assert!(
        parse("tilewright 1\nconfig\nlanes = 1\nend").unwrap_err().to_string().contains("line 2: config")
    );
}

/// Damaged text is refused or read; whatever is read can be validated without a panic.
#[test]
fn garbage_never_panics() {
    let mut rng = Random::new(5);
    let (mut read, mut refused) = (0, 0);
    for seed in 0..40 {
        let mut program = sample(seed);
        program.data.iter_mut().for_each(|(_, bytes)| bytes.truncate(100));
        let text: Vec<char> = print(&program).chars().collect();
        for _ in 0..40 {
            let mut text = text.clone();
            for _ in 0..rng.within(1, 3) {
                let at = rng.below(text.len());
                match rng.below(4) {
                    0 => drop(text.remove(at)),
                    1 => text.insert(
                        at,
                        rng.pick(&['0', '9', '-', '=', ',', '"', '\\', ' ', '\n', ';', 'é', 'u']),
                    ),
                    2 => text[at] = rng.pick(&['7', '9', '1', ' ', ',', '\n']),
                    _ => (0..8).for_each(|_| text.insert(at, '9')),
                }
            }
            match parse(&text.iter().collect::<String>()) {
                Ok(mut program) => {
                    read += 1;
                    program.memory_bytes = program.memory_bytes.min(1 << 20);
                    let _ = program.validate();
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.line >= 1 && !error.field.is_empty());
                }
            }
        }
    }
    assert!(read > 100 && refused > 100, "{read} {refused}");
}
