use super::*;

#[test]
fn toml_round_trip() {
    let config = Config::sized(7, 11);
    assert_eq!(Config::from_toml(&config.to_toml()), Ok(config));
}

#[test]
fn machines_of_any_size_are_legal() {
    for (lanes, columns) in [(2, 2), (2, 4), (3, 3), (4, 2), (7, 11), (MAX_LANES, MAX_LANES)] {
        assert_eq!(Config::sized(lanes, columns).validate(), Ok(()), "{lanes}x{columns}");
    }
}

#[test]
fn errors_name_field_and_range() {
    let check = |edit: fn(&mut Config), want: &str| {
        let mut config = Config::sized(9, 16);
        edit(&mut config);
        assert_eq!(config.validate().unwrap_err().to_string(), want);
    };
    check(|c| c.lanes = 64, "error[config]: lanes = 64 is not legal: 2 to 63");
    check(
        |c| c.feature.page_rows = 1000,
        "error[config]: feature.page_rows = 1000 is not legal: a power of two, 64 to 2340",
    );
    check(
        |c| c.memory.bus_bytes = 16,
        "error[config]: memory.bus_bytes = 16 is not legal: a power of two, 1 to 9",
    );
    check(|c| c.clock_mhz = f64::NAN, "error[config]: clock_mhz = NaN is not legal: above 0");
    check(
        |c| (c.columns, c.tables, c.name) = (0, 17, "a b".into()),
        "error[config]: name = \"a b\" is not legal: letters, digits, `-` and `_`; columns = 0 is not legal: 2 to \
         63; tables = 17 is not legal: 1 to 16",
    );
    // What other fields allow is not told where these are wrong.
    check(|c| c.lanes = 0, "error[config]: lanes = 0 is not legal: 2 to 63");
    check(
        |c| (c.lanes, c.compute_slot) = (1, 64),
        "error[config]: lanes = 1 is not legal: 2 to 63; compute_slot = 64 is not legal: 1 to `lanes`",
    );
    check(
        |c| (c.feature.pages, c.feature.page_rows) = (1000, 2048),
        "error[config]: feature.pages = 1000 is not legal: 2 to 32",
    );
    check(
        |c| (c.memory.bus_bytes, c.memory.burst_bytes) = (12, 8192),
        "error[config]: memory.bus_bytes = 12 is not legal: a power of two, 1 to 9; memory.burst_bytes = 8192 is not \
         legal: a power of two, 2 beats to 1024 bytes or 256 beats",
    );
    check(
        |c| c.memory.bus_bytes = 0,
        "error[config]: memory.bus_bytes = 0 is not legal: a power of two, 1 to 9",
    );
    let with = |edit: fn(&mut Config)| {
        let mut config = Config::sized(9, 16);
        config.memory.bus_bytes = 2;
        config.memory.sdram = Some(Sdram::default());
        assert_eq!(Config::from_toml(&config.to_toml()), Ok(config.clone()));
        edit(&mut config);
        config.validate().unwrap_err().to_string()
    };
    assert!(
        with(|c| c.memory.bus_bytes = 4)
            .contains("memory.bus_bytes = 4 is not legal: a power of two, 2 to 2")
    );
    assert_eq!(
        with(|c| {
            (c.lanes, c.vector_slot, c.memory.bus_bytes) = (2, 2, 4);
            c.memory.sdram.as_mut().unwrap().data_bits = 32;
        }),
        "error[config]: memory.bus_bytes = 4 is not legal: a power of two, 1 to 16 and at most `lanes`; with an \
         `sdram` its `data_bits` / 8"
    );
    assert!(with(|c| c.memory.sdram.as_mut().unwrap().refresh = 100).contains("memory.sdram.refresh"));
    assert!(with(|c| c.memory.sdram.as_mut().unwrap().t_wr = 1).contains("memory.sdram.t_wr"));
    let unknown = Config::sized(4, 4).to_toml().replace("lanes", "lames");
    assert!(Config::from_toml(&unknown).unwrap_err().to_string().contains("lames"));
}

/// A wrong type hides no other fault, and a range that follows from a field without a number is not made up.
#[test]
fn faults_of_form_and_of_range_are_told_together() {
    let says = |text: &str, want: &str| {
        assert_eq!(Config::from_toml(text).unwrap_err().to_string(), format!("error[config]: {want}"));
    };
    let text = Config::sized(4, 4).to_toml();
    let with = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(text.clone(), |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        })
    };
    says(
        &with(&[
            ("lanes = 4", "lanes = \"many\""),
            ("tables = 8", "tables = 17"),
            ("vector_slot = 4", "vector_slot = 9"),
        ]),
        "lanes = \"many\" is not legal: 2 to 63; tables = 17 is not legal: 1 to 16",
    );
    says(
        &with(&[
            ("columns = 4\n", ""),
            ("bus_bytes = 4", "bus_bytes = true"),
            ("burst_bytes = 64", "burst_bytes = 48"),
        ]),
        "columns is missing: 2 to 63; memory.bus_bytes = true is not legal: a power of two, 1 to 16 and at most `lanes`; \
         with an `sdram` its `data_bits` / 8; memory.burst_bytes = 48 is not legal: a power of two, 2 beats to 1024 \
         bytes or 256 beats",
    );
    says(
        &with(&[
            ("pages = 14", "pages = -1"),
            ("page_rows = 2048", "page_rows = 1000"),
            ("latency", "latncy"),
        ]),
        "feature.pages = -1 is not legal: 2 to 32; feature.page_rows = 1000 is not legal: a power of two, 64 to 16384; of \
         all pages together 128 to 32768; memory.latncy is not known; try: one of memory.bus_bytes, memory.latency, \
         memory.burst_bytes, memory.outstanding",
    );
    let technologies = crate::technology::Technology::names();
    assert!(technologies.starts_with("`portable`, `ecp5`"), "{technologies}");
    says(
        &(with(&[("technology = \"portable\"", "technology = \"ecp6\"")]) + "[boards]\nlanes = 3\n"),
        &format!(
            "technology = \"ecp6\" is not legal: {technologies}; boards is not known; try: one of name, technology, \
             clock_mhz, lanes, columns, weight_words, parameter_words, tables, compute_slot, vector_slot"
        ),
    );
    let chip = "[memory.sdram]\ndata_bits = 16\nt_wr = 9\n";
    let said =
        Config::from_toml(&with(&[("[pipeline]", &format!("{chip}[pipeline]"))])).unwrap_err().to_string();
    for part in [
        "memory.sdram.banks is missing",
        "memory.sdram.t_wr = 9 is not legal: 2 to 4",
        "bus_bytes = 4 is not",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    says("lanes = 5\nfeature = 7\n", &{
        let missing = [
            "name",
            "clock_mhz",
            "columns",
            "weight_words",
            "parameter_words",
            "tables",
            "compute_slot",
            "vector_slot",
        ];
        let missing = missing.map(|name| format!("{name} is missing: {}", fields::words(name).unwrap()));
        let rest = "feature.pages is missing: 2 to 32; feature.page_rows is missing: a power of two, 64 to 16384; of all \
                    pages together 128 to 32768; feature = 7 is not legal: a table";
        format!("{}; {rest}", missing.join("; "))
    });
    assert!(matches!(Config::from_toml("lanes = "), Err(ConfigError::Parse(_))));
}

/// Every field of a file is in the list, and no other.
#[test]
fn the_list_is_that_of_the_file() {
    let mut config = Config::sized(9, 16);
    config.technology = crate::technology::Technology::Ecp5;
    config.memory.bus_bytes = 2;
    config.memory.sdram = Some(crate::sdram::Sdram::default());
    let written: toml::Table = config.to_toml().parse().unwrap();
    fn leaves(prefix: &str, table: &toml::Table, all: &mut Vec<String>) {
        for (name, value) in table {
            match value {
                toml::Value::Table(inner) => leaves(&format!("{prefix}{name}."), inner, all),
                _ => all.push(format!("{prefix}{name}")),
            }
        }
    }
    let mut written_names = vec![];
    leaves("", &written, &mut written_names);
    written_names.sort();
    let table = table();
    let mut listed: Vec<String> =
        table.lines().skip(2).filter_map(|line| line.split('`').nth(1)).map(str::to_owned).collect();
    listed.sort();
    assert_eq!(listed, written_names);
}
