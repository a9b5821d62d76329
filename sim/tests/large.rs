//! Operations that are large enough for blocks and threads, against the oracle.

mod oracle;
#[path = "../benches/shapes/mod.rs"]
mod shapes;

use shapes::{dense, program, rows};
use tilewright_sim::values::Level;
use tilewright_sim::{Options, run};

#[test]
fn blocks_and_threads_change_nothing() {
    for shape in [
        dense("3x3, 16 to 48 channels, 28x28", 16, 3, 28, 3),
        dense("7x7, 3 to 32 channels, 40x40", 3, 2, 40, 7),
        dense("3x3, 256 to 32 channels, 7x7", 256, 2, 7, 3),
        rows("5x5 by rows, 6 channels, 46x46", 6, 46, 5),
    ] {
        let program = shapes::with_store(program(&shape, 1));
        let image = program.image().unwrap();
        let mut want = image.clone();
        let cycles = oracle::run(&program, &mut want);
        for level in Level::available() {
            for threads in [false, true] {
                let mut got = image.clone();
                let options = Options { level, threads, ..Options::default() };
                let report = run(&program, &mut got, &options).unwrap_or_else(|fault| panic!("{fault}"));
                assert_eq!(report.cycles, cycles, "{}", shape.name);
                assert!(got == want, "{}: {level:?}, threads: {threads}", shape.name);
            }
        }
        assert_ne!(image, want, "{}", shape.name);
    }
}
