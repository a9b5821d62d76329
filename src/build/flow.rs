//! The steps from Verilog to a bitstream: synthesis once, then placing, routing and packing for each seed.

use super::tools::{Found, NEXTPNR, PACK, Tool, YOSYS};
use super::{Built, Design, Report};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

/// Says what netlist lies in a folder.
const NETLIST_KEY: &str = "netlist.key";

/// The tools of all steps.
struct Tools {
    yosys: Found,
    route: Found,
    pack: Found,
}

impl Tools {
    fn require() -> Result<Tools> {
        let [yosys, route, pack] = [&YOSYS, &NEXTPNR, &PACK].map(Tool::require);
        Ok(Tools { yosys: yosys?, route: route?, pack: pack? })
    }

    fn all(&self) -> [&Found; 3] {
        [&self.yosys, &self.route, &self.pack]
    }
}

impl Design {
    /// Builds the bitstream in `folder` with one seed of placement after the other, as many at a time as there are
    /// threads, until one reaches its clocks. What has been built before is taken from `cache`, so what was broken
    /// off goes on where it was. Files in `folder`: `TOP.v`, `pins.lpf`, `synth.ys`, the netlist, a folder `seed-N` for each
    /// seed that was built here, and of the fastest one logs of the tools, `report.json` of nextpnr, `build.json` and `TOP.bit`.
    ///
    /// Returns what each seed gave, the fastest first, then by seed. `told` hears what is being done.
    ///
    /// # Errors
    /// Tools that are missing or fail, with the end of what they said; a folder that cannot be written.
    pub fn build(
        &self,
        folder: &Path,
        cache: &Path,
        seeds: Range<u32>,
        told: impl Fn(&str) + Sync,
    ) -> Result<Vec<Built>> {
        let tools = Tools::require()?;
        make(folder)?;
        let mut built = Vec::new();
        let mut left = Vec::new();
        for seed in seeds {
            match self.kept(&self.place(cache, seed, &tools))? {
                Some(one) => built.push(one),
                None => left.push(seed),
            }
        }
        if !built.is_empty() {
            told("taking what has been built before");
        }
        if !built.iter().any(Built::reached) && !left.is_empty() {
            let seconds = self.synthesise(folder, &tools, &told)?;
            told(
                "placing and routing with nextpnr (from a quarter of an hour to an hour; log: seed-N/nextpnr.log)",
            );
            left.reverse();
            let shared = Mutex::new((left, built, None));
            let workers = rayon::current_num_threads();
            std::thread::scope(|scope| {
                for _ in 0..workers {
                    scope.spawn(|| self.work(folder, cache, &tools, seconds, &shared, &told));
                }
            });
            let (_, all, failed) = shared.into_inner().expect("no worker has panicked");
            if let Some(error) = failed {
                return Err(error);
            }
            built = all;
        }
        built.sort_by(|a, b| b.share().total_cmp(&a.share()).then(a.seed.cmp(&b.seed)));
        let best = self.place(cache, built[0].seed, &tools);
        for name in self.files() {
            copy(&best.join(&name), &folder.join(&name))?;
        }
        Ok(built)
    }

    /// Builds seeds until none is left, one has failed, or one is fast enough. `shared`: the seeds that are left, what is
    /// built, what has failed.
    fn work(
        &self,
        folder: &Path,
        cache: &Path,
        tools: &Tools,
        synthesis: f64,
        shared: &Mutex<(Vec<u32>, Vec<Built>, Option<anyhow::Error>)>,
        told: &(impl Fn(&str) + Sync),
    ) {
        loop {
            let seed = {
                let mut all = shared.lock().expect("no worker has panicked");
                let over = all.2.is_some() || all.1.iter().any(Built::reached);
                let Some(seed) = all.0.pop().filter(|_| !over) else { return };
                seed
            };
            let one = self.route(folder, tools, seed, synthesis).and_then(|one| {
                self.keep(folder, seed, &self.place(cache, seed, tools))?;
                Ok(one)
            });
            let mut all = shared.lock().expect("no worker has panicked");
            match one {
                Ok(one) => {
                    let clocks = one.report.clocks.iter();
                    let clocks: Vec<String> =
                        clocks.map(|clock| format!("{} {:.1} MHz", clock.name, clock.reached_mhz)).collect();
                    told(&format!("seed {seed}: {}", clocks.join(", ")));
                    all.1.push(one);
                }
                Err(error) => all.2 = Some(error),
            }
        }
    }

    /// Makes the netlist, if it does not lie there from before; seconds.
    fn synthesise(&self, folder: &Path, tools: &Tools, told: &impl Fn(&str)) -> Result<f64> {
        let netlist = folder.join(format!("{}.json", self.top));
        let key = self.netlist_key(&tools.yosys);
        if netlist.is_file()
            && std::fs::read_to_string(folder.join(NETLIST_KEY)).is_ok_and(|text| text == key)
        {
            return Ok(0.0);
        }
        put(&folder.join(format!("{}.v", self.top)), self.verilog.as_bytes())?;
        put(&folder.join("pins.lpf"), self.site.pins.as_bytes())?;
        put(&folder.join("synth.ys"), self.synthesis().as_bytes())?;
        told("synthesising with Yosys (minutes)");
        std::fs::remove_file(folder.join(NETLIST_KEY)).ok();
        let seconds = step(&tools.yosys, folder, "yosys.log", &["synth.ys".into()], &["-s"])?;
        put(&folder.join(NETLIST_KEY), key.as_bytes())?;
        Ok(seconds)
    }

    /// Places, routes and packs with a seed, in a folder of its own.
    fn route(&self, folder: &Path, tools: &Tools, seed: u32, synthesis: f64) -> Result<Built> {
        let own = folder.join(format!("seed-{seed}"));
        make(&own)?;
        let (top, board) = (self.top, &self.site.board);
        let grade = board.speed_grade.to_string();
        let numbers = [seed.to_string(), self.config.clock_mhz.to_string()];
        let files = [format!("../{top}.json"), format!("{top}.config"), format!("{top}.bit")];
        let options = [
            self.device()?,
            "--package",
            &board.package,
            "--speed",
            &grade,
            "--seed",
            &numbers[0],
            "--freq",
            &numbers[1],
            "--lpf",
            "../pins.lpf",
            "--json",
            &files[0],
            "--textcfg",
            &files[1],
            "--report",
            "report.json",
            "--timing-allow-fail",
        ];
        let routing = step(&tools.route, &own, "nextpnr.log", &options.map(str::to_owned), &[])?;
        let packing = step(&tools.pack, &own, "ecppack.log", &files[1..], &[])?;
        let built = Built {
            key: self.key(seed, &tools.all()),
            board: self.site.name.clone(),
            seed,
            tools: tools.all().map(|tool| tool.version.clone()).to_vec(),
            report: Report::parse(&read(&own.join("report.json"))?)?,
            bitstream_bytes: read(&own.join(&files[2]))?.len() as u64,
            seconds: [synthesis, routing, packing],
        };
        put(&own.join("build.json"), &serde_json::to_vec_pretty(&built)?)?;
        Ok(built)
    }

    /// Where a seed's build is kept.
    fn place(&self, cache: &Path, seed: u32, tools: &Tools) -> PathBuf {
        cache.join(format!("bitstream-{}", self.key(seed, &tools.all())))
    }

    /// What has been built before.
    fn kept(&self, place: &Path) -> Result<Option<Built>> {
        let Ok(text) = std::fs::read(place.join("build.json")) else { return Ok(None) };
        let built = serde_json::from_slice(&text);
        built
            .with_context(|| format!("error[build]: {} is damaged; try: remove it", place.display()))
            .map(Some)
    }

    /// What is kept of a build: files of all seeds, and of one.
    fn files(&self) -> Vec<String> {
        let [all, own] = self.files_by_folder();
        all.into_iter().chain(own).collect()
    }

    fn files_by_folder(&self) -> [Vec<String>; 2] {
        let top = self.top;
        let all = ["pins.lpf", "yosys.log", "stat.txt"].map(str::to_owned);
        let own = ["nextpnr.log", "ecppack.log", "report.json", "build.json"].map(str::to_owned);
        [
            all.into_iter().chain([format!("{top}.v")]).collect(),
            own.into_iter().chain([format!("{top}.bit"), format!("{top}.config")]).collect(),
        ]
    }

    /// Copies a build into the cache, whole or not at all.
    fn keep(&self, folder: &Path, seed: u32, place: &Path) -> Result<()> {
        let aside = place.with_extension(format!("part-{}", std::process::id()));
        make(&aside)?;
        let [all, own] = self.files_by_folder();
        for (from, names) in [(folder.to_path_buf(), all), (folder.join(format!("seed-{seed}")), own)] {
            for name in names {
                copy(&from.join(&name), &aside.join(&name))?;
            }
        }
        if std::fs::rename(&aside, place).is_err() {
            // Somebody else has built the same.
            std::fs::remove_dir_all(&aside).ok();
        }
        Ok(())
    }
}

/// Runs a tool in a folder with everything it says in a log; its seconds.
fn step(tool: &Found, folder: &Path, log: &str, options: &[String], first: &[&str]) -> Result<f64> {
    let path = folder.join(log);
    let unwritable = || format!("error[build]: {} cannot be written", path.display());
    let file = File::create(&path).with_context(unwritable)?;
    let begun = Instant::now();
    let mut command = Command::new(&tool.command[0]);
    // An interpreter's script has its own options in front.
    command.args(&tool.command[1..]);
    if tool.command.len() == 1 {
        command.args(first);
    }
    command.args(options).current_dir(folder).stdin(Stdio::null());
    command.stdout(file.try_clone().with_context(unwritable)?).stderr(file);
    let status = command.status().with_context(|| {
        format!("error[build]: {} cannot be started; try: tilewright doctor", tool.command[0])
    })?;
    if !status.success() {
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(5)..].join("\n");
        bail!(
            "error[build]: {} failed; the whole log is {}; its end:\n{end}",
            tool.command[0],
            path.display()
        );
    }
    Ok(begun.elapsed().as_secs_f64())
}

fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("error[build]: {} cannot be made", folder.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("error[build]: {} cannot be written", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("error[build]: {} cannot be read", path.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    put(to, &read(from)?)
}
