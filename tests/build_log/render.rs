//! The logs that builders print of one build, and what becomes of them on the way to a person.

use envfix::build_log::Builder;

/// The instruction that fails.
pub const FAILING: &str = "RUN pip install -r requirements.txt";
const BEFORE: [&str; 3] = ["FROM python:3.10", "COPY requirements.txt .", "RUN pip install other"];
/// What the step before the failing one prints: it looks bad and went well.
const OTHER: [&str; 4] = [
    "Collecting other",
    "ERROR: No matching distribution found for decoy==1",
    "trying again",
    "Successfully installed other-1",
];
/// What the failing step prints.
const PRINTED: [&str; 7] = [
    "Collecting flask==9.9",
    "The following packages are missing:",
    "",
    "  - one=1",
    "  - two=2.0",
    "× No matching café",
    "ERROR: No matching distribution found for flask==9.9",
];

/// Who builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Docker,
    Plain,
    Drawn,
    Buildah,
    Kaniko,
    Bare,
}

impl Form {
    pub const ALL: [Form; 6] = [Form::Docker, Form::Plain, Form::Drawn, Form::Buildah, Form::Kaniko, Form::Bare];

    pub fn builder(self) -> Option<Builder> {
        match self {
            Form::Docker => Some(Builder::Docker),
            Form::Plain | Form::Drawn => Some(Builder::BuildKit),
            Form::Buildah => Some(Builder::Buildah),
            Form::Kaniko => Some(Builder::Kaniko),
            Form::Bare => None,
        }
    }
}

/// What was done to every line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disguise {
    None,
    /// Time stamps of a task of Azure's registry, a cluster, GitHub, GitLab, Jenkins.
    Registry,
    Cluster,
    GitHub,
    GitLab,
    Jenkins,
    /// `web_1  | `.
    Compose,
    /// `> `.
    Quoted,
    /// Colours, and the same after the escape character was lost.
    Ansi,
    LostAnsi,
    /// A progress bar before every line.
    Progress,
}

impl Disguise {
    pub const ALL: [Disguise; 11] = [
        Disguise::None,
        Disguise::Registry,
        Disguise::Cluster,
        Disguise::GitHub,
        Disguise::GitLab,
        Disguise::Jenkins,
        Disguise::Compose,
        Disguise::Quoted,
        Disguise::Ansi,
        Disguise::LostAnsi,
        Disguise::Progress,
    ];
}

/// Ways to write lines as bytes.
#[allow(clippy::type_complexity)]
pub const ENCODINGS: [(&str, fn(&[String]) -> Vec<u8>); 7] = [
    ("lf", |lines| join(lines, "\n").into_bytes()),
    ("lf without the last", |lines| join(lines, "\n").trim_end_matches('\n').as_bytes().to_vec()),
    ("crlf with a mark", |lines| [&b"\xef\xbb\xbf"[..], join(lines, "\r\n").as_bytes()].concat()),
    ("utf-16le", |lines| [&[0xff, 0xfe][..], &utf16(lines, u16::to_le_bytes)].concat()),
    ("utf-16be", |lines| [&[0xfe, 0xff][..], &utf16(lines, u16::to_be_bytes)].concat()),
    ("utf-16le without a mark", |lines| utf16(lines, u16::to_le_bytes)),
    ("utf-16be without a mark", |lines| utf16(lines, u16::to_be_bytes)),
];

fn join(lines: &[String], end: &str) -> String {
    lines.iter().flat_map(|line| [line.as_str(), end]).collect()
}

fn utf16(lines: &[String], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    join(lines, "\r\n").encode_utf16().flat_map(bytes).collect()
}

/// The log of the build that fails.
pub fn render(form: Form, disguise: Disguise) -> Vec<String> {
    disguised(form, disguise, false)
}

/// The log of the same build when it goes well.
pub fn render_good(form: Form, disguise: Disguise) -> Vec<String> {
    disguised(form, disguise, true)
}

/// A line without what was put between its letters.
pub fn plain(line: &str) -> String {
    line.replace("\x1b[0m\x1b[91m", "").replace("[0m[91m", "")
}

fn disguised(form: Form, disguise: Disguise, good: bool) -> Vec<String> {
    // What a progress bar writes is part of the program's line, behind the builder's prefix.
    let inside = disguise == Disguise::Progress && form != Form::Drawn;
    let print =
        |line: &str| if inside && !line.is_empty() { format!("10%\r  55% [===]\r{line}") } else { line.to_owned() };
    let lines = match form {
        Form::Docker => docker(&print, good),
        Form::Plain => buildkit(&print, good),
        Form::Drawn => drawn(good),
        Form::Buildah => buildah(&print, good),
        Form::Kaniko => kaniko(&print, good),
        Form::Bare => printed(good).map(print).collect(),
    };
    let middle = |line: &str| (0..=line.len() / 2).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    let dress = |line: String| match disguise {
        Disguise::None => line,
        Disguise::Progress if inside => line,
        // A display moves its cursor to the beginning of the line.
        Disguise::Progress => format!("\r\r{line}\r"),
        Disguise::Registry => format!("2020/05/24 04:28:30 {line}"),
        Disguise::Cluster => format!("2024-10-15T00:34:09: {line}"),
        Disguise::GitHub => format!("2024-01-01T00:00:00.0000000Z {line}"),
        Disguise::GitLab => format!("2024-01-01T00:00:00.000000Z 01O {line}"),
        Disguise::Jenkins => format!("[2024-01-01T00:00:00.000Z] {line}"),
        Disguise::Compose => format!("web_1  | {line}"),
        Disguise::Quoted => format!("> {line}"),
        Disguise::Ansi => {
            let (a, b) = line.split_at(middle(&line));
            format!("\x1b[0m\x1b[91m{a}\x1b[0m\x1b[91m{b}\x1b[0m\x1b[K")
        }
        Disguise::LostAnsi => {
            let (a, b) = line.split_at(middle(&line));
            format!("[0m[91m{a}[0m[91m{b}[0m")
        }
    };
    lines.into_iter().map(dress).collect()
}

fn printed(good: bool) -> impl Iterator<Item = &'static str> {
    let end = good.then_some("Successfully installed flask-9.9");
    PRINTED.into_iter().chain(end)
}

fn docker(print: &dyn Fn(&str) -> String, good: bool) -> Vec<String> {
    let mut lines = vec!["Sending build context to Docker daemon  2.048kB".to_owned()];
    let step = |lines: &mut Vec<String>, number: usize, instruction: &str| {
        lines.push(format!("Step {number}/4 : {instruction}"));
    };
    step(&mut lines, 1, BEFORE[0]);
    lines.push("3.10: Pulling from library/python".to_owned());
    lines.push(" ---> 0123456789a1".to_owned());
    step(&mut lines, 2, BEFORE[1]);
    lines.push(" ---> Using cache".to_owned());
    lines.push(" ---> 0123456789a2".to_owned());
    step(&mut lines, 3, BEFORE[2]);
    lines.push(" ---> Running in 0123456789c3".to_owned());
    lines.extend(OTHER.map(print));
    lines.push("Removing intermediate container 0123456789c3".to_owned());
    lines.push(" ---> 0123456789a3".to_owned());
    step(&mut lines, 4, FAILING);
    lines.push(" ---> Running in 0123456789c4".to_owned());
    lines.extend(printed(good).map(print));
    if good {
        lines.push("Removing intermediate container 0123456789c4".to_owned());
        lines.push(" ---> 0123456789a4".to_owned());
        lines.push("Successfully built 0123456789a4".to_owned());
        lines.push("Successfully tagged app:latest".to_owned());
    } else {
        lines.push("The command '/bin/sh -c pip install -r requirements.txt' returned a non-zero code: 1".to_owned());
    }
    lines
}

fn buildkit(print: &dyn Fn(&str) -> String, good: bool) -> Vec<String> {
    let mut lines: Vec<String> = [
        "#1 [internal] load build definition from Dockerfile",
        "#1 transferring dockerfile: 231B done",
        "#1 DONE 0.0s",
        "",
        "#2 [internal] load metadata for docker.io/library/python:3.10",
        "#2 DONE 0.3s",
        "",
        "#3 [app 1/4] FROM docker.io/library/python:3.10",
        "#3 CACHED",
        "",
        "#4 [app 2/4] COPY requirements.txt .",
        "#4 DONE 0.0s",
        "",
        "#5 [other 3/3] RUN pip install other",
    ]
    .map(str::to_owned)
    .to_vec();
    // Two steps at a time, each interrupting the other.
    let names = ["#5 [other 3/3] RUN pip install other".to_owned(), format!("#6 [app 4/4] {FAILING}")];
    lines.push("#5 0.201 starts".to_owned());
    lines.push("#5 ...".to_owned());
    lines.push(String::new());
    lines.push(names[1].clone());
    let longest = OTHER.len().max(printed(good).count());
    for at in 0..longest {
        if let Some(line) = printed(good).nth(at) {
            lines.push(format!("#6 {}.{at}12 {}", 1 + at, print(line)));
        }
        if let Some(line) = OTHER.get(at) {
            lines.push("#6 ...".to_owned());
            lines.push(String::new());
            lines.push(names[0].clone());
            lines.push(format!("#5 {}.{at}34 {}", 1 + at, print(line)));
            lines.push("#5 ...".to_owned());
            lines.push(String::new());
            lines.push(names[1].clone());
        }
    }
    if good {
        lines.extend(
            [
                "#6 DONE 8.1s",
                "",
                "#5 [other 3/3] RUN pip install other",
                "#5 DONE 8.2s",
                "",
                "#7 exporting to image",
                "#7 exporting layers",
                "#7 naming to docker.io/library/app:latest done",
                "#7 DONE 0.1s",
            ]
            .map(str::to_owned),
        );
        return lines;
    }
    lines.push(
        "#6 ERROR: process \"/bin/sh -c pip install -r requirements.txt\" did not complete successfully: exit code: 1"
            .to_owned(),
    );
    lines.push(String::new());
    lines.push("#5 [other 3/3] RUN pip install other".to_owned());
    lines.push("#5 CANCELED".to_owned());
    lines.extend(block(true));
    lines
}

/// The end of BuildKit's log; older releases write another prefix before its lines.
fn block(new: bool) -> Vec<String> {
    let mut lines = vec!["------".to_owned(), format!(" > [app 4/4] {FAILING}:")];
    lines.extend(PRINTED.iter().enumerate().map(|(at, line)| {
        if new { format!("{}.{at}12 {line}", 1 + at) } else { format!("#0 {}.{at}12 {line}", 1 + at) }
    }));
    lines.extend(
        [
            "------",
            "Dockerfile:4",
            "--------------------",
            "   3 |     RUN pip install other",
            "   4 | >>> RUN pip install \\",
            "   5 | >>>     -r requirements.txt",
            "   6 |     ",
            "--------------------",
            "ERROR: failed to solve: process \"/bin/sh -c pip install -r requirements.txt\" did not complete successfully: exit code: 1",
        ]
        .map(str::to_owned),
    );
    lines
}

fn drawn(good: bool) -> Vec<String> {
    // The lines of the display are 60 columns wide, and the longest names and lines are cut there.
    let mut lines = Vec::new();
    let printed: Vec<&str> = printed(good).collect();
    for frame in 1..=printed.len() {
        let end = good && frame == printed.len();
        let finished = if end { " FINISHED" } else { "" };
        let failed = !good && frame == printed.len();
        lines.push(format!("\x1b[1A\x1b[1B\x1b[0G\x1b[?25l[+] Building {frame}.3s (5/9){finished}"));
        lines.push(" => [internal] load build definition from Dockerfile    0.0s".to_owned());
        lines.push(" => => transferring dockerfile: 231B                    0.0s".to_owned());
        lines.push(" => CACHED [app 1/4] FROM docker.io/library/python:3.10@  0.0s".to_owned());
        lines.push(" => [app 2/4] COPY requirements.txt .                   0.0s".to_owned());
        let name = format!("[app 4/4] {FAILING}");
        let name = if failed { format!("ERROR {name}") } else { name };
        lines.push(format!(" => {}  {frame}.1s", name.chars().take(40).collect::<String>()));
        if !failed {
            let from = frame.saturating_sub(6);
            // Blank lines are drawn too.
            lines.extend(
                printed[from..frame]
                    .iter()
                    .map(|line| format!(" => => # {}", line.chars().take(52).collect::<String>())),
            );
        }
        lines.push("\x1b[?25h".to_owned());
    }
    if !good {
        lines.extend(block(false));
    }
    lines
}

fn buildah(print: &dyn Fn(&str) -> String, good: bool) -> Vec<String> {
    let mut lines = vec![
        format!("STEP 1/4: {}", BEFORE[0]),
        format!("STEP 2/4: {}", BEFORE[1]),
        "--> Using cache 0123456789a".to_owned(),
        "--> 0123456789a".to_owned(),
        format!("STEP 3/4: {}", BEFORE[2]),
    ];
    lines.extend(OTHER.map(print));
    lines.push("--> 0123456789b".to_owned());
    lines.push(format!("STEP 4/4: {FAILING}"));
    lines.extend(printed(good).map(print));
    if good {
        lines.extend(["COMMIT app", "--> 0123456789c", "Successfully tagged localhost/app:latest"].map(str::to_owned));
    } else {
        lines.extend(["subprocess exited with status 1", "subprocess exited with status 1"].map(str::to_owned));
        lines.push(format!("Error: building at STEP \"{FAILING}\": while running runtime: exit status 1"));
    }
    lines
}

fn kaniko(print: &dyn Fn(&str) -> String, good: bool) -> Vec<String> {
    let mut lines: Vec<String> = [
        "INFO[0000] Retrieving image manifest python:3.10",
        "INFO[0001] Built cross stage deps: map[]",
        "INFO[0001] Executing 0 build triggers",
        "INFO[0001] Building stage 'python:3.10' [idx: '0', base-idx: '-1']",
        "INFO[0001] Unpacking rootfs as cmd COPY requirements.txt . requires it.",
        "INFO[0003] COPY requirements.txt .",
        "INFO[0003] Taking snapshot of files...",
        "INFO[0003] RUN pip install other",
        "INFO[0003] Cmd: /bin/sh",
        "INFO[0003] Args: [-c pip install other]",
        "INFO[0003] Running: [/bin/sh -c pip install other]",
    ]
    .map(str::to_owned)
    .to_vec();
    lines.extend(OTHER.map(print));
    lines.push("INFO[0009] Taking snapshot of full filesystem...".to_owned());
    lines.push(format!("INFO[0010] {FAILING}"));
    lines.push("INFO[0010] Running: [/bin/sh -c pip install -r requirements.txt]".to_owned());
    lines.extend(printed(good).map(print));
    if good {
        lines.push("INFO[0012] Taking snapshot of full filesystem...".to_owned());
        lines.push("INFO[0013] Pushing image to registry.example/app:latest".to_owned());
    } else {
        lines.push("error building image: error building stage: failed to execute command: waiting for process to exit: exit status 1".to_owned());
    }
    lines
}
