//! Tests of the questions, one a spelling.

use super::super::{Script, parse};
use super::*;

fn script(text: &str) -> Script {
    parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn first(text: &str) -> Command {
    script(text).commands.into_iter().next().unwrap_or_else(|| panic!("{text:?} has no command"))
}

fn with_pip<T>(text: &str, ask: impl FnOnce(&Pip) -> T) -> T {
    match tool(&first(text)) {
        Tool::Pip(pip) => ask(pip),
        other => panic!("{text:?} is {other:?}"),
    }
}

fn with_conda<T>(text: &str, ask: impl FnOnce(&Conda) -> T) -> T {
    match tool(&first(text)) {
        Tool::Conda(conda) => ask(conda),
        other => panic!("{text:?} is {other:?}"),
    }
}

fn with_apt<T>(text: &str, ask: impl FnOnce(&Apt) -> T) -> T {
    match tool(&first(text)) {
        Tool::Apt(apt) => ask(apt),
        other => panic!("{text:?} is {other:?}"),
    }
}

#[test]
fn every_spelling_of_upgrading_pip_is_one() {
    for text in [
        "pip install --upgrade pip",
        "pip install -U pip",
        "pip3 install -qU pip setuptools wheel",
        "pip3.11 install pip --upgrade",
        "pip-3.6 install -U pip",
        "/opt/venv/bin/pip install -U 'pip'",
        "$CONDA_DIR/bin/pip install -U pip",
        "\"${VENV}/bin/pip\" install -U pip",
        "python -m pip install -U pip",
        "python3.9 -u -mpip --no-cache-dir install --upgrade PIP",
        "/usr/bin/python3 -Im pip install -U pip",
        "sudo -H pip install -U pip",
        "sudo -u app -E A=b pip install -U pip",
        "A=b env -u C D=e pip install -U pip",
        "time nice -n 5 command pip install -U pip",
        "conda run -n base --no-capture-output pip install -U pip",
        "micromamba run -p /env python -m pip install -U pip",
        "timeout 60 pip install -U pip",
        "xvfb-run -a pip install -U pip",
        "pip --timeout 100 --no-cache install --upgrade-strategy eager -U pip",
    ] {
        with_pip(text, |pip| {
            assert!(pip.is_install() && pip.upgrades() && pip.downloads(), "{text}");
            let requirement = pip.requirement("pip").unwrap_or_else(|| panic!("{text}"));
            assert!(!requirement.has_version(), "{text}");
        });
    }
}

#[test]
fn what_is_not_pip_is_not_taken_for_it() {
    for text in [
        "pip-tools install -U pip",
        "pip-compile x",
        "pipx install x",
        "pipenv install",
        "poetry add pip",
        "echo 'pip install -U pip'",
        "which pip",
        "command -v pip",
        "xargs pip install",
        "$PIP install x",
        "pipdeptree",
        "env -S 'pip install x'",
    ] {
        assert!(matches!(tool(&first(text)), Tool::Other), "{text}: {:?}", tool(&first(text)));
    }
}

#[test]
fn options_of_pip_keep_their_values_and_places() {
    with_pip("pip install -qUr req.txt -c c.txt --index-url=https://x/ -i $Y -e . --default-timeout 100 a", |pip| {
        let names: Vec<_> = pip.options.iter().map(|option| (option.name.as_str(), option.value.as_deref())).collect();
        let expected = [
            ("--quiet", None),
            ("--upgrade", None),
            ("--requirement", Some("req.txt")),
            ("--constraint", Some("c.txt")),
            ("--index-url", Some("https://x/")),
            ("--index-url", Some("$Y")),
            ("--editable", Some(".")),
            ("--timeout", Some("100")),
        ];
        assert_eq!(names, expected);
        let timeout = pip.timeout().unwrap();
        assert_eq!((timeout.word, timeout.value_word), (11, Some(12)));
        assert_eq!(pip.requirements.len(), 1);
        assert_eq!(pip.requirement_files().count() + pip.constraint_files().count() + pip.editables().count(), 3);
    });
    with_pip("pip install -rreq.txt --timeout=30", |pip| {
        assert_eq!(pip.requirement_files().next().unwrap().value.as_deref(), Some("req.txt"));
        assert_eq!(pip.timeout().unwrap().value_word, Some(3));
    });
    with_pip("pip --no-cache install --user a", |pip| {
        assert!(pip.option("--no-cache-dir").is_some() && pip.user());
    });
}

#[test]
fn requirements_are_taken_apart() {
    let read = |text: &str| Requirement::of(text, 0, text.contains('$'));
    let named = read("Foo_.Bar[x, y]>=1,<2; python_version<'3'");
    assert_eq!(named.kind, RequirementKind::Named);
    assert_eq!(named.name.as_deref(), Some("foo-bar"));
    assert_eq!(named.extras, ["x", "y"]);
    assert_eq!(named.specifier.as_deref(), Some(">=1,<2"));
    assert_eq!(named.marker.as_deref(), Some("python_version<'3'"));
    assert_eq!(read("pip==20.3.4").exact_version(), Some("20.3.4"));
    assert_eq!(read("pip==20.*").exact_version(), None);
    let variable = read("pip==${PIP_VERSION}");
    assert_eq!((variable.name.as_deref(), variable.has_version()), (Some("pip"), true));
    assert_eq!(read("pip$SPEC").kind, RequirementKind::Unknown);
    assert_eq!(read("$PKGS").kind, RequirementKind::Unknown);
    let url = read("pip @ https://x/y.zip");
    assert_eq!((url.kind, url.name.as_deref()), (RequirementKind::Url, Some("pip")));
    for text in ["https://x/y.whl", "git+https://x/y.git@main#egg=z", "git+ssh://git@x/y"] {
        assert_eq!(read(text).kind, RequirementKind::Url, "{text}");
    }
    for text in [".", "./x", "/x/*.whl", "x.whl", "foo-1.0.tar.gz", ".[dev]", "$DIR/x.whl", "file:///x"] {
        assert_eq!(read(text).kind, RequirementKind::Path, "{text}");
    }
}

#[test]
fn an_extra_outside_quotes_is_no_glob_to_pip() {
    with_pip("pip install uvicorn[standard]==1", |pip| {
        assert_eq!(pip.requirement("uvicorn").unwrap().exact_version(), Some("1"));
    });
}

#[test]
fn pip_downloads_unless_everything_is_local() {
    for (text, downloads) in [
        ("pip install ./a.whl", true),
        ("pip install --no-deps ./a.whl", false),
        ("pip install --no-deps .", true),
        ("pip install --no-deps --no-build-isolation .", false),
        ("pip install --no-deps -r x", true),
        ("pip install --no-index -f /w a", false),
        ("pip wheel a", true),
        ("pip download a", true),
        ("pip uninstall -y a", false),
        ("pip --version", false),
        ("pip list", false),
        ("pip install", false),
    ] {
        assert_eq!(with_pip(text, |pip| pip.downloads()), downloads, "{text}");
    }
}

#[test]
fn the_interpreter_of_pip_is_known() {
    with_pip("sudo python3.8 -m pip install a", |pip| {
        assert_eq!((pip.interpreter, pip.pip, pip.call.sudo()), (Some(1), 3, true));
    });
    with_pip("conda run -n x pip install a", |pip| {
        assert_eq!(pip.interpreter, None);
        assert_eq!(pip.call.environment(), Some(&Environment::Name("x".to_owned())));
    });
    with_pip("pip config set global.timeout 100", |pip| {
        assert_eq!(pip.config_setting(), Some(("global.timeout".to_owned(), "100".to_owned())));
    });
    with_pip("sudo PIP_DEFAULT_TIMEOUT=9 pip install a", |pip| {
        assert_eq!(pip.call.variable("PIP_DEFAULT_TIMEOUT").as_deref(), Some("9"));
    });
}

#[test]
fn get_pip_is_found_as_a_file_and_from_a_pipe() {
    for (text, pinned) in [
        ("curl -O https://bootstrap.pypa.io/pip/3.6/get-pip.py && python3.6 get-pip.py 'pip==20.3.4' --no-wheel", true),
        ("curl -sS https://bootstrap.pypa.io/get-pip.py | python3 -", false),
        ("curl https://bootstrap.pypa.io/get-pip.py | sudo python3", false),
        ("wget -qO- https://bootstrap.pypa.io/get-pip.py | python - pip==20.3.4", true),
        ("curl https://bootstrap.pypa.io/get-pip.py -o /tmp/p.py; python3 /tmp/p.py", false),
        ("curl https://bootstrap.pypa.io/get-pip.py > /tmp/p.py && python3 /tmp/p.py --user", false),
    ] {
        let script = script(text);
        let found = get_pip_in(&script);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].1.requirement("pip").is_some(), pinned, "{text}");
        assert!(found[0].1.fetched.as_ref().is_some_and(|fetched| fetched.url.ends_with("get-pip.py")), "{text}");
    }
    assert_eq!(get_pip_in(&script("python /x/get-pip.py")).len(), 1);
    for text in [
        "curl https://x/install.py | python",
        "curl https://bootstrap.pypa.io/get-pip.py -O; python app.py",
        "cat get-pip.py",
    ] {
        assert!(get_pip_in(&script(text)).is_empty(), "{text}");
    }
}

#[test]
fn conda_and_its_kin_are_read() {
    for text in [
        "conda install -y -n base -c conda-forge pip",
        "/opt/conda/bin/conda install -y -c conda-forge -nbase pip",
        "$CONDA_DIR/bin/mamba install --yes --name base --channel=conda-forge pip",
        "sudo micromamba -n base install -yc conda-forge pip",
    ] {
        with_conda(text, |conda| {
            assert!(conda.is("install") && conda.downloads(), "{text}");
            assert_eq!(conda.environment(), Some(Environment::Name("base".to_owned())), "{text}");
            assert_eq!(conda.channels().next().unwrap().value.as_deref(), Some("conda-forge"), "{text}");
            assert_eq!(conda.spec("pip").unwrap().version, None, "{text}");
        });
    }
}

#[test]
fn conda_specs_are_taken_apart() {
    let read = |text: &str| Spec::of(text, 0, text.contains('$'));
    for (text, channel, name, version) in [
        ("pip", None, Some("pip"), None),
        ("python=3.8", None, Some("python"), Some("=3.8")),
        ("conda-forge::pip>=20,<21", Some("conda-forge"), Some("pip"), Some(">=20,<21")),
        ("numpy==1.2=py38_0", None, Some("numpy"), Some("==1.2=py38_0")),
        ("python 3.8", None, Some("python"), Some("3.8")),
        ("pip=$V", None, Some("pip"), Some("=$V")),
        ("$PKGS", None, None, None),
        ("./a.tar.bz2", None, None, None),
    ] {
        let spec = read(text);
        assert_eq!((spec.channel.as_deref(), spec.name.as_deref(), spec.version.as_deref()), (channel, name, version));
    }
}

#[test]
fn files_that_conda_reads_are_named() {
    for (text, subcommand, file) in [
        ("conda env create -f env.yml", "env create", "env.yml"),
        ("mamba env update --name x --file=a/b.yaml", "env update", "a/b.yaml"),
        ("conda env create env.yml", "env create", "env.yml"),
        ("conda create -f env.yml", "create", "env.yml"),
        ("conda install --file r.txt", "install", "r.txt"),
        ("micromamba create -y -f env.lock", "create", "env.lock"),
    ] {
        with_conda(text, |conda| {
            assert!(conda.is(subcommand), "{text}: {:?}", conda.subcommand);
            assert_eq!(conda.files().first().map(|(file, _)| file.as_str()), Some(file), "{text}");
            assert!(conda.downloads(), "{text}");
        });
    }
    for text in ["conda clean -afy", "conda clean -tipsy", "conda config --set a b", "conda info", "conda create -n x"]
    {
        with_conda(text, |conda| assert!(!conda.downloads() && conda.specs.is_empty(), "{text}"));
    }
}

#[test]
fn conda_settings_have_keys_and_values() {
    with_conda("conda config --system --set remote_read_timeout_secs 120 --prepend channels conda-forge", |conda| {
        let settings = conda.settings();
        assert_eq!(settings.len(), 2);
        assert_eq!((settings[0].action, settings[0].key.as_str()), (ConfigAction::Set, "remote_read_timeout_secs"));
        assert_eq!((settings[0].value.as_deref(), settings[0].system), (Some("120"), true));
        assert_eq!((settings[1].action, settings[1].value.as_deref()), (ConfigAction::Prepend, Some("conda-forge")));
    });
}

#[test]
fn apt_packages_are_taken_apart() {
    let text = "DEBIAN_FRONTEND=x apt-get -qq -o A::B=1 install -y -t sid g++ a=1.0 b/sid c:amd64 d- $E f=${V} ./g.deb";
    with_apt(text, |apt| {
        assert!(apt.is_install() && apt.downloads() && apt.needs_lists() && apt.installs("g++") && !apt.installs("d"));
        let names: Vec<_> = apt.packages.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["g++", "a", "b", "c", "d", "f", "./g.deb"]);
        assert_eq!(apt.packages[1].version.as_deref(), Some("1.0"));
        assert_eq!(apt.packages[2].release.as_deref(), Some("sid"));
        assert_eq!(apt.packages[3].architecture.as_deref(), Some("amd64"));
        assert!(apt.packages[4].removed);
        assert_eq!(apt.unknown.len(), 1);
        assert_eq!(apt.option("--target-release").unwrap().value.as_deref(), Some("sid"));
    });
    with_apt("apt-get install linux-headers-$(uname -r)", |apt| {
        assert_eq!((apt.packages.len(), apt.unknown.len()), (0, 1));
    });
}

#[test]
fn an_update_is_no_install() {
    with_apt("apt-get update", |apt| assert!(apt.is_update() && !apt.is_install() && apt.downloads()));
    with_apt("sudo apt update -y", |apt| assert!(apt.is_update() && apt.call.sudo()));
    with_apt("apt-get clean", |apt| assert!(!apt.downloads()));
    with_apt("apt-get install -y ./a.deb", |apt| assert!(apt.downloads() && !apt.needs_lists()));
    for text in ["apt-key add x", "apt-cache policy x", "echo apt-get install x", "dpkg -i x"] {
        assert!(matches!(tool(&first(text)), Tool::Other), "{text}");
    }
}

#[test]
fn what_python_runs_is_known() {
    let ran = |text: &str| match tool(&first(text)) {
        Tool::Python(python) => python.ran.clone(),
        other => panic!("{text:?} is {other:?}"),
    };
    assert_eq!(ran("python3 -u setup.py install"), Ran::Script { name: "setup.py".to_owned(), word: 2 });
    assert_eq!(ran("python -W ignore -m venv x"), Ran::Module { name: "venv".to_owned(), word: 4 });
    assert_eq!(ran("/usr/bin/python3.11 -c 'import x'"), Ran::Code { code: "import x".to_owned(), word: 2 });
    assert_eq!(ran("python -"), Ran::Stdin);
    assert_eq!(ran("python"), Ran::Stdin);
    assert_eq!(ran("python --version"), Ran::Nothing);
    assert!(matches!(tool(&first("python3-config --libs")), Tool::Other));
    assert!(matches!(tool(&first("python -m pip.x")), Tool::Python(_)));
}

#[test]
fn uv_is_not_pip() {
    let uv = |text: &str, subcommands: &[&str], downloads: bool| match tool(&first(text)) {
        Tool::Uv(uv) => assert_eq!((uv.is(subcommands), uv.downloads()), (true, downloads), "{text}"),
        other => panic!("{text:?} is {other:?}"),
    };
    uv("uv pip install --system -r req.txt", &["pip", "install"], true);
    uv("uv --no-cache sync --frozen", &["sync"], true);
    uv("python -m uv pip install x", &["pip", "install"], true);
    uv("uv run pip install x", &["run"], true);
    uv("uv cache clean", &["cache", "clean"], false);
}

#[test]
fn apt_lists_are_cleaned_in_many_ways() {
    for text in [
        "rm -rf /var/lib/apt/lists/*",
        "rm -r /var/lib/apt/lists",
        "sudo rm -rf /tmp/x \"/var/lib/apt/lists/\"",
        "rm -rf /var/lib/{apt,dpkg,cache,log}/",
        "rm -rf /var/lib/apt/*",
        "rm -f /var/lib/apt/lists/*.* /var/lib/apt/lists/*",
        "find /var/lib/apt/lists -type f -delete",
        "apt-get distclean",
    ] {
        assert!(cleans_apt_lists(&first(text)), "{text}");
    }
    for text in ["rm -rf /var/cache/apt/*", "ls /var/lib/apt/lists", "apt-get clean", "echo rm -rf /var/lib/apt/lists"]
    {
        assert!(!cleans_apt_lists(&first(text)), "{text}");
    }
}

#[test]
fn links_have_a_target_and_a_name() {
    let link = |text: &str| links(&first(text)).into_iter().map(|link| (link.target, link.name)).next();
    let expected = Some(("/usr/bin/python3".to_owned(), "/usr/bin/python".to_owned()));
    for text in [
        "ln -s /usr/bin/python3 /usr/bin/python",
        "sudo ln -sfn /usr/bin/python3 /usr/bin/python",
        "ln --symbolic --force /usr/bin/python3 /usr/bin/python",
        "update-alternatives --install /usr/bin/python python /usr/bin/python3 1",
    ] {
        assert_eq!(link(text), expected, "{text}");
    }
    assert_eq!(link("ln -s /opt/x/python /usr/bin/").unwrap().1, "/usr/bin/python");
    assert_eq!(link("ln -s /opt/x/python").unwrap().1, "python");
    assert_eq!(link("cp a b"), None);
}

#[test]
fn virtual_environments_are_seen_made_and_activated() {
    let venv = |text: &str| makes_venv(&first(text)).map(|venv| (venv.folder, venv.interpreter));
    let some = |folder: &str, python: Option<&str>| Some((folder.to_owned(), python.map(str::to_owned)));
    assert_eq!(venv("python3.9 -m venv --system-site-packages /v"), some("/v", Some("python3.9")));
    assert_eq!(venv("virtualenv -p python3 /v"), some("/v", Some("python3")));
    assert_eq!(venv("uv venv"), some(".venv", None));
    assert_eq!(venv("uv venv /v --python 3.11"), some("/v", Some("3.11")));
    assert_eq!(venv("python -m pip install virtualenv"), None);
    let active = |text: &str| sources_activate(&first(text)).map(|active| (active.script, active.environment));
    assert_eq!(active(". /v/bin/activate"), some("/v/bin/activate", None));
    assert_eq!(active("source activate x"), some("activate", Some("x")));
    assert_eq!(active("conda activate x"), some("conda", Some("x")));
    assert_eq!(active("source ~/.bashrc"), None);
}

#[test]
fn texts_for_another_shell_are_decoded() {
    for (text, inner) in [
        ("sh -c 'pip install x'", Some("pip install x")),
        ("/bin/bash -lc \"pip install x==$V \\\"y\\\"\"", Some("pip install x==$V \"y\"")),
        ("sudo bash -exo pipefail -c 'a | b' c", Some("a | b")),
        ("conda run -n x bash -c 'pip list'", Some("pip list")),
        ("su - app -c 'pip install x'", Some("pip install x")),
        ("eval 'a b'", Some("a b")),
        ("bash -c \"a $(b)\"", None),
        ("bash -c $CMD", None),
        ("bash install.sh -c x", None),
        ("echo -c x", None),
    ] {
        assert_eq!(nested(&first(text)).as_deref(), inner, "{text}");
    }
}

#[test]
fn the_quick_test_lets_through_what_matters() {
    use super::super::may_concern;
    assert!(may_concern("x && micromamba install y") && may_concern("apt-get update") && may_concern("python3 x"));
    assert!(!may_concern("npm ci && make"));
}
