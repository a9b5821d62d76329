//! Simulated cycles per second of a 9x16 machine with a busy array, on one core.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tilewright_sim::{Options, run};

mod shapes;
use shapes::{dense, program, rows};

fn busy(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("busy 9x16");
    for shape in [
        dense("3x3, 32 to 64 channels, 28x28", 32, 4, 28, 3),
        dense("3x3, 16 to 16 channels, 32x32", 16, 1, 32, 3),
        dense("1x1, 64 to 128 channels, 28x28", 64, 8, 28, 1),
        dense("3x3, 256 to 32 channels, 7x7", 256, 2, 7, 3),
        dense("1x1, 512 to 256 channels, 1x1", 512, 16, 1, 1),
        rows("3x3 by rows, 64 channels, 28x28", 64, 28, 3),
    ] {
        let program = program(&shape, 20);
        let image = program.image().expect("the program is legal");
        let options = Options { threads: false, ..Options::default() };
        let report = run(&program, &mut image.clone(), &options).unwrap_or_else(|fault| panic!("{fault}"));
        group.throughput(Throughput::Elements(report.cycles));
        group.bench_function(shape.name, |bencher| {
            let mut memory = image.clone();
            bencher.iter(|| black_box(run(&program, &mut memory, &options)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(2));
    targets = busy
}
criterion_main!(benches);
