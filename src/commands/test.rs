//! `tilewright test`: a numeric regression suite.

use crate::arguments::Machine;
use crate::output::{self, note, say};
use crate::progress::bar;
use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use std::path::{Component, Path, PathBuf};
use tilewright::artefact::Container;
use tilewright::suite::{self, Case, Checks, Exact, GoldenFolder, Outcome, SCHEMA, Suite, Verdict};
use tilewright::targets;

/// What is asked of a suite.
pub struct SuiteOptions<'a> {
    /// JUnit's XML goes here.
    pub junit: Option<&'a Path>,
    /// Cases at a time.
    pub jobs: Option<usize>,
    /// Part and number of parts.
    pub shard: Option<(usize, usize)>,
    /// Record what is made in place of comparing it.
    pub bless: bool,
    /// Models to make the suite of.
    pub init: &'a [PathBuf],
    /// One JSON object on standard output.
    pub json: bool,
}

/// Runs a suite; false when a check fails.
pub fn run(path: &Path, machine: &Machine, asked: &SuiteOptions) -> Result<bool> {
    if asked.junit.is_some_and(|junit| std::path::absolute(junit).ok() == std::path::absolute(path).ok()) {
        bail!("error[suite]: --junit would overwrite the suite; try: another file");
    }
    if (asked.bless || !asked.init.is_empty()) && std::env::var_os("CI").is_some() {
        bail!(
            "error[suite]: nothing is blessed where CI is set; try: --bless on your own machine, and commit it"
        );
    }
    // Before the work, not behind it.
    if let Some(folder) = asked.junit.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("error[output]: {} cannot be written", folder.display()))?;
    }
    if !asked.init.is_empty() {
        init(path, machine, asked.init)?;
    } else if machine.is_given() {
        bail!("error[suite]: a suite's cases name their machines; try: target, array or config in the case");
    }
    let bless = asked.bless || !asked.init.is_empty();
    let suite = Suite::read(path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut store = GoldenFolder::open(path)?;
    let own = |n: usize| asked.shard.is_none_or(|(part, parts)| n % parts == part - 1);
    let cases: Vec<&Case> = suite.cases.iter().enumerate().filter(|(n, _)| own(*n)).map(|(_, c)| c).collect();
    let progress = bar("testing", cases.len());
    let one = |case: &&Case| {
        let made = suite::run(case, folder, &store, bless);
        progress.inc(1);
        made
    };
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = asked.jobs {
        pool = pool.num_threads(jobs);
    }
    let made: Vec<_> = pool.build()?.install(|| cases.par_iter().map(one).collect());
    progress.finish_and_clear();
    let (outcomes, blessings): (Vec<Outcome>, Vec<_>) = made.into_iter().unzip();
    for blessing in blessings.iter().flatten() {
        blessing.keep(&mut store)?;
    }
    if let Some(junit) = asked.junit {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        std::fs::write(junit, suite::junit(&name, &outcomes))
            .with_context(|| format!("error[output]: {} cannot be written", junit.display()))?;
    }
    if asked.json {
        let mut object = suite::json(&outcomes);
        object["suite"] = path.display().to_string().into();
        output::json(&object)?;
    } else {
        print(&outcomes)?;
    }
    Ok(outcomes.iter().all(Outcome::holds))
}

/// The outcomes for people: a line for each case, and one for each check that did not pass.
fn print(outcomes: &[Outcome]) -> Result<()> {
    for outcome in outcomes {
        let verdict = match outcome.holds() {
            true if outcome.blessed => "blessed",
            true => "passed",
            false => "FAILED",
        };
        say!("{verdict:<8} {} ({} checks, {:.2} s)", outcome.name, outcome.checks.len(), outcome.seconds)?;
        for (check, verdict) in &outcome.checks {
            match verdict {
                Verdict::Passed => {}
                Verdict::Failed(why) => say!("    {check}: {why}")?,
                Verdict::Skipped(why) => say!("    {check}: SKIPPED: {why}")?,
            }
        }
    }
    let failed = outcomes.iter().filter(|o| !o.holds()).count();
    let skips = outcomes.iter().filter(|o| o.skips()).count();
    let skipped = if skips > 0 { format!(", {skips} WITH SKIPPED CHECKS") } else { String::new() };
    say!("{} cases: {} passed, {failed} failed{skipped}", outcomes.len(), outcomes.len() - failed)
}

/// Writes a suite of models with what is measured of them now.
fn init(path: &Path, machine: &Machine, models: &[PathBuf]) -> Result<()> {
    if path.exists() {
        bail!("error[suite]: {} is there; try: another path, or without --init", path.display());
    }
    if machine.technology.is_some() {
        bail!(
            "error[suite]: a case has the technology of its machine; try: --config with a machine of that technology"
        );
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritable = || format!("error[output]: {} cannot be written", path.display());
    std::fs::create_dir_all(folder).with_context(unwritable)?;
    let from = |path: &Path| seen_from(folder, path);
    // A board's folder is a path as any other.
    let target = match machine.target.as_deref() {
        Some(target) if !targets::is_known(target) => Some(from(Path::new(target))?.display().to_string()),
        known => known.map(str::to_owned),
    };
    let mut cases = Vec::new();
    for (n, model) in models.iter().enumerate() {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let stem = model.file_stem().unwrap_or_default().to_string_lossy();
        let mut name: String = stem.chars().map(plain).collect();
        if cases.iter().any(|case: &Case| case.name.eq_ignore_ascii_case(&name)) {
            name = format!("{name}-{n}");
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            name = format!("net{name}");
        }
        // An artefact has its machine.
        let own = Container::is_there(model);
        let config = if own { None } else { machine.config.as_deref().map(from).transpose()? };
        let case = Case {
            name,
            model: from(model)?,
            target: if own { None } else { target.clone() },
            array: if own { None } else { machine.array.clone() },
            config,
            samples: 1,
            ..Case::default()
        };
        let (outcome, _) = suite::run(&case, folder, &GoldenFolder::open(path)?, false);
        let Some(measured) = &outcome.measured else {
            let why = outcome.checks.iter().find_map(|(_, v)| match v {
                Verdict::Failed(why) => Some(why.clone()),
                _ => None,
            });
            bail!("{}", why.unwrap_or_else(|| format!("{} cannot be run", model.display())));
        };
        // A decibel of room: what an input's rounding moves.
        let min_sqnr = measured.sqnr_db.map(|db| (db - 1.0).floor());
        let check = Checks {
            exact: vec![Exact::Integers, Exact::Cycles, Exact::Bytes],
            min_sqnr,
            host: Some(measured.host.clone()),
            ..Checks::default()
        };
        cases.push(Case { check, ..case });
    }
    let text = toml::to_string(&Suite { schema: SCHEMA, cases })?;
    std::fs::write(path, text).with_context(unwritable)?;
    note!("written: {}", path.display());
    Ok(())
}

/// A path as the suite's folder sees it, so that both can be moved together: absolute only where they share no folder.
fn seen_from(folder: &Path, path: &Path) -> Result<PathBuf> {
    // What a link at its end leads to lies elsewhere than the samples beside the link.
    let whole = |path: &Path| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if !parent.as_os_str().is_empty() => {
            parent.canonicalize().map(|parent| parent.join(name))
        }
        (_, Some(name)) => Path::new(".").canonicalize().map(|parent| parent.join(name)),
        _ => path.canonicalize(),
    };
    let (folder, path) = match (folder.canonicalize(), whole(path)) {
        (Ok(folder), Ok(path)) => (folder, path),
        // It is not there, which whoever reads it says better.
        _ => return Ok(std::path::absolute(path)?),
    };
    let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    match folder.components().take(shared).any(|part| matches!(part, Component::Normal(_))) {
        true => Ok(up.chain(path.components().skip(shared)).collect()),
        false => Ok(path),
    }
}
