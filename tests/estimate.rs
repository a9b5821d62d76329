//! The estimate that the compiler chooses by (`compiler/src/cost.rs`), held to exact time; `tests/zoo.rs` does so on
//! all models.

mod common;

use common::Random;
use common::estimate::{Bound, Errors};
use common::rungs::{small, tiny};
use tilewright::model::Model;
use tilewright::pipeline;
use tilewright::targets;
use tilewright_arch::Config;
use tilewright_compiler::options::Options;
use tilewright_compiler::schedule::Search;

const OWN: [&str; 6] =
    ["ctc_digits", "espcn_x2", "lenet_mnist", "mobilenetv2_mnist", "resnet_mnist", "vit_mnist"];

/// Adds to the errors on each machine and asserts that those of operations and networks are within their bounds.
fn hold(machines: &[(Config, Bound, Bound)], add: impl Fn(&mut Errors, &Config)) {
    for (config, operations, networks) in machines {
        let mut errors = Errors::default();
        add(&mut errors, config);
        errors.check(&config.name, operations.clone(), networks.clone());
    }
}

#[test]
fn own_networks() {
    let board = targets::resolve(Some("ulx3s-25f"), None, None).unwrap();
    let machines: [(Config, Bound, Bound); 3] = [
        (Config::sized(9, 16), (0.05, -0.2..=0.01), (0.08, -0.7..=0.0)),
        (Config::sized(7, 11), (0.011, -0.13..=0.01), (0.05, -0.64..=0.01)),
        (board, (0.006, -0.05..=0.09), (0.03, -0.39..=0.01)),
    ];
    hold(&machines, |errors, config| {
        for name in OWN {
            let model = Model::read(&common::model(name)).unwrap();
            let calibration = model.calibration(None).unwrap();
            let compiled = pipeline::compile(&model, &calibration, &Options::default(), config).unwrap();
            errors.add_stages(&compiled);
        }
    });
}

/// Small programs wait most of the time, which no estimate of work says.
#[test]
fn random_graphs() {
    let machines: [(Config, Bound, Bound); 4] = [
        (Config::sized(9, 16), (0.04, -0.49..=1.9), (0.6, -0.98..=0.25)),
        (Config::sized(5, 3), (0.02, -0.47..=1.2), (0.6, -0.98..=0.0)),
        (small(9, 4), (0.03, -0.4..=1.7), (0.6, -0.98..=0.0)),
        (tiny(8, 8), (0.04, -0.66..=1.6), (0.65, -0.98..=0.0)),
    ];
    hold(&machines, |errors, config| {
        for seed in 0..200 {
            let mut random = Random::new(seed);
            let nodes = 1 + random.below(5);
            let graph = common::random_graph(&mut random, nodes);
            let Ok(search) = Search::new(&graph, config) else { continue };
            for schedule in search.schedules() {
                errors.add(&graph, &schedule.unwrap(), config);
            }
        }
    });
}

/// Larger images, on which work is more than waiting.
#[test]
fn random_graphs_of_larger_images() {
    let machines: [(Config, Bound, Bound); 2] = [
        (Config::sized(9, 16), (0.03, -0.54..=3.5), (0.36, -0.81..=0.0)),
        (Config::sized(7, 11), (0.03, -0.47..=3.1), (0.36, -0.86..=0.13)),
    ];
    hold(&machines, |errors, config| {
        for seed in 0..60 {
            let mut random = Random::new(seed);
            let shape = [1 + random.below(3), 20 + random.below(30), 20 + random.below(30)];
            let nodes = 1 + random.below(2);
            let graph = common::random_graph_of(&mut random, nodes, shape);
            for schedule in Search::new(&graph, config).unwrap().schedules() {
                errors.add(&graph, &schedule.unwrap(), config);
            }
        }
    });
}
