//! The lines that this module looks for on its own account, beside the symptoms that it is given.
//!
//! They are patterns like those of symptoms and found in the same search; what begins a line in a form of its own is
//! read in `builder` instead.

use super::tools::Tool;

/// What a line that matches tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Docker: the command of the step failed.
    Returned,
    /// BuildKit: a command failed; also behind `#7 ERROR:` and `failed to solve:`.
    Process,
    /// BuildKit: the build failed.
    Solve,
    /// buildah and podman: a step failed.
    AtStep,
    /// buildah: the command failed, told before the step is.
    Subprocess,
    /// kaniko: the build failed.
    Kaniko,
    /// Docker: the builder gives up, unless a program in a step printed it.
    GivesUp,
    /// Docker: the builder gives up, whatever the step.
    Daemon,
    /// A task of Azure's registry, or another who started the builder, tells that it failed.
    Job,
    /// Who kept the output of a program wrote its exit code below.
    Recorded,
    /// A task of Azure's registry went well, or compose starts what was built.
    TaskDone,
    /// A program's last words before it fails.
    Bad,
    /// Looks like [`Rule::Bad`] and is none.
    Mild,
    /// A program's last words when all went well.
    Good,
    /// The version of a tool.
    Version(Tool),
}

/// Every rule with its pattern.
pub(super) const PATTERNS: &[(Rule, &str)] = &[
    (Rule::Returned, r"returned a non-zero code: (?P<code>\d+)"),
    (Rule::Process, r#"process "(?P<command>.*)" did not complete successfully: exit code: (?P<code>\d+)"#),
    (Rule::Process, r#"process "(?P<command>.*)" did not complete successfully"#),
    (Rule::Process, r#"failed to solve: process "(?P<command>.*?)"?$"#),
    (Rule::Process, r"^\s*did not complete successfully: exit code: (?P<code>\d+)"),
    (
        Rule::Process,
        r"executor failed running \[(?P<command>.*)\]: (?:exit code|exit status|runc did not terminate succ?essfully: exit status): (?P<code>\d+)",
    ),
    (Rule::Process, r"executor failed running \[(?P<command>.*)\]: "),
    (Rule::Solve, r"failed to solve(?: with frontend [^:]*)?: "),
    (Rule::Solve, r"failed to build LLB: "),
    (Rule::AtStep, r#"building at STEP "(?P<instruction>.*)": (?:.*exit status (?P<code>\d+))?"#),
    (Rule::AtStep, r"^Error: creating build container: "),
    (Rule::AtStep, r"^error creating build container: "),
    (Rule::AtStep, r"^Error: initializing source "),
    (Rule::Subprocess, r"^subprocess exited with status (?P<code>\d+)"),
    (Rule::Subprocess, r"^error building at step \{"),
    (Rule::Kaniko, r"^error building image: (?:.*exit status (?P<code>\d+))?"),
    (Rule::Kaniko, r"^error building stage: (?:.*exit status (?P<code>\d+))?"),
    (Rule::GivesUp, r"^(?:COPY|ADD) failed: "),
    (Rule::GivesUp, r"^(?:ERROR: )?manifest for .* not found"),
    (Rule::GivesUp, r"^(?:ERROR: )?pull access denied for "),
    (Rule::GivesUp, r"^(?:ERROR: )?no matching manifest for "),
    (Rule::GivesUp, r"^repository \S+ not found"),
    (Rule::GivesUp, r#"^(?:ERROR: )?Get "?https?://[^ ]*: "#),
    (Rule::GivesUp, r"^unauthorized: "),
    (Rule::GivesUp, r"^toomanyrequests: "),
    (Rule::GivesUp, r"^(?:docker: )?invalid reference format"),
    (Rule::GivesUp, r"^unable to prepare context: "),
    (Rule::GivesUp, r"[Dd]ockerfile parse error"),
    (Rule::GivesUp, r"^(?:ERROR: )?[Cc]annot locate specified Dockerfile"),
    (Rule::GivesUp, r"^[Uu]nknown (?:instruction|flag): "),
    (Rule::GivesUp, r"^error pulling image configuration: "),
    (Rule::GivesUp, r"^invalid from flag value "),
    (Rule::GivesUp, r"^Cannot connect to the Docker daemon"),
    (Rule::GivesUp, r"^failed to read dockerfile: "),
    (Rule::GivesUp, r"^the Dockerfile \(.*\) cannot be empty"),
    (Rule::Daemon, r"^(?:ERROR: |docker: )?Error response from daemon: "),
    (Rule::Daemon, r"^OCI runtime create failed: "),
    (Rule::Daemon, r"^failed to create (?:shim|task|LLB)"),
    (Rule::Daemon, r"^Error processing tar file"),
    (Rule::Daemon, r"^failed to (?:register layer|export image|copy files): "),
    (Rule::Daemon, r"^ERROR: Service '.*' failed to build"),
    (Rule::Job, r"^failed to run step ID: .*exit status (?P<code>\d+)"),
    (Rule::Job, r"^Run ID: \S+ failed after "),
    (Rule::Job, r"^(?:Error: )?Process completed with exit code (?P<code>\d+)"),
    (Rule::Job, r"^ERROR: Job failed: exit (?:code|status) (?P<code>\d+)"),
    (Rule::Job, r"^The process '.*' failed with exit code (?P<code>\d+)"),
    (Rule::Recorded, r"^(?:exit(?: code| status)?|EXIT(?: CODE)?|rc|RC|returncode)(?: ?[:=] ?| )(?P<code>\d+)$"),
    (Rule::TaskDone, r"^Run ID: \S+ was successful after "),
    (Rule::TaskDone, r"^(?:Creating|Recreating|Starting) \S+ +\.\.\. (?:.*)?done$"),
    (Rule::Bad, r"^\s*(?:ERROR|Error|error): "),
    (Rule::Bad, r"^E: "),
    (Rule::Bad, r"^No matching distribution found for "),
    (Rule::Bad, r"^Cannot uninstall '"),
    (Rule::Bad, r"THESE PACKAGES DO NOT MATCH THE HASHES"),
    (Rule::Bad, r"^\s*(?:\w+\.)*\w*(?:Error|Exception)(?::|$)"),
    (Rule::Bad, r"^ResolvePackageNotFound:"),
    (Rule::Bad, r": not found$"),
    (Rule::Bad, r": command not found"),
    (Rule::Bad, r": No such file or directory$"),
    (Rule::Bad, r"\bKilled$"),
    (Rule::Bad, r"^Could not install packages due to an "),
    (Rule::Bad, r"^Segmentation fault"),
    (Rule::Bad, r"^g?make(?:\[\d+\])?: \*\*\* "),
    (Rule::Bad, r"^fatal: "),
    (Rule::Bad, r"^npm ERR! "),
    (Rule::Bad, r"curl: \(\d+\) "),
    (Rule::Bad, r"^Command .* failed with error code \d+"),
    (Rule::Bad, r"^An unexpected error has occurred"),
    (Rule::Bad, r"\.\.\.working\.\.\. failed$"),
    (Rule::Bad, r"has requirement .*, but you have .*\.$"),
    (Rule::Mild, r"ERROR: pip's dependency resolver does not currently "),
    (Rule::Mild, r"ERROR: .* has requirement .*, but you'll have "),
    (Rule::Mild, r"ERROR: .* requires .*, but you(?:'ll)? have .* which is (?:incompatible|not installed)"),
    (Rule::Mild, r"ERROR: Failed building wheel for "),
    (Rule::Good, r"^\s*Successfully installed "),
    (Rule::Good, r"^Requirement already satisfied"),
    (Rule::Good, r"^# To activate this environment"),
    (Rule::Good, r"^No broken requirements found"),
    (Rule::Version(Tool::Pip), r"\bpip (?P<version>\d+(?:\.\w+)+) from /"),
    (Rule::Version(Tool::Pip), r"You are using pip version (?P<version>\d+(?:\.\w+)+)"),
    (Rule::Version(Tool::Pip), r"new release of pip (?:is )?available: (?P<version>\d+(?:\.\w+)+) ->"),
    (Rule::Version(Tool::Pip), r"[ /]pip-(?P<version>\d+(?:\.\d+)+)(?:-py\d|\.dist-info)"),
    (Rule::Version(Tool::Pip), r"^\s*Successfully installed (?:.* )?pip-(?P<version>\d+(?:\.\w+)+)"),
    (Rule::Version(Tool::Pip), r"^Setting up python3?-pip \((?P<version>\d+(?:\.\d+)+)"),
    (Rule::Version(Tool::Pip), r"::pip-(?P<version>\d+(?:\.\d+)+)-"),
    (Rule::Version(Tool::Conda), r"^\s*conda version : (?P<version>\d+(?:\.\w+)+)"),
    (Rule::Version(Tool::Conda), r"^\s*current version: (?P<version>\d+(?:\.\w+)+)$"),
    (Rule::Version(Tool::Conda), r"^conda (?P<version>\d+\.\d+\.\d+)$"),
    (Rule::Version(Tool::Python), r"/python(?P<version>[23]\.\d+)/(?:site|dist)-packages"),
    (Rule::Version(Tool::Python), r"^Setting up python[23]\.\d+ \((?P<version>[23]\.\d+\.\d+)"),
    (Rule::Version(Tool::Python), r"^Python (?P<version>[23]\.\d+\.\d+\w*)$"),
    (Rule::Version(Tool::Python), r"^\s*python version : (?P<version>[23]\.\d+\.\d+)"),
    (
        Rule::Version(Tool::Release),
        r"^(?:Get|Hit|Ign|Err)(?::\d+)? \S+ (?P<version>[a-z]+)(?:[-/]\S*)? (?:InRelease|Release)\b",
    ),
];

/// The rule of a pattern.
pub(super) fn rule(number: usize) -> Option<Rule> {
    PATTERNS.get(number).map(|(rule, _)| *rule)
}
