//! How long the parts take: `cargo bench`. Each is measured on what stands in this repository: the sample, and the
//! examples of the patches. Whole processes beside other tools are measured by `tests/performance/measure.py`.

use std::hint::black_box;

use divan::Bencher;
use divan::counter::BytesCount;
use envfix::build_log::{self, SymptomSet};
use envfix::environment::conda::CondaEnvironment;
use envfix::output::diff;
use envfix::{BuildContext, Catalogue, Policy, Project, Settings, Source, diagnosis, dockerfile, shell};

fn main() {
    divan::main();
}

const DOCKERFILE: &str = include_str!("../testdata/sample/Dockerfile");
const ENVIRONMENT: &str = include_str!("../testdata/sample/environment.yml");
const LOG: &str = include_str!("../testdata/sample/build.log");
const RUN: &str = "apt-get update && apt-get install -y --no-install-recommends python3 python3-pip git \\\n \
                   && pip install --no-cache-dir -U pip 'numpy>=1.26' -r requirements.txt && rm -rf /var/lib/apt/lists/*";

/// Every Dockerfile among the examples, as a folder of a repository holds them.
fn examples() -> Vec<String> {
    let catalogue = Catalogue::builtin();
    let all = catalogue.patches().iter().flat_map(|patch| catalogue.examples(patch));
    let dockerfiles = all.filter(|example| example.file.is_none() && example.encoding.is_none());
    dockerfiles.filter_map(|example| example.before.or(example.unchanged)).collect()
}

fn project(text: &str) -> Option<Project> {
    Project::of_text(Source::from_text("Dockerfile", text), BuildContext::None, Settings::default()).ok()
}

#[divan::bench]
fn patches_that_a_dockerfile_is_asked_for(bencher: Bencher) {
    let project = project(DOCKERFILE).expect("the sample is a Dockerfile");
    bencher.bench(|| envfix::find(&project, &Catalogue::builtin()).len());
}

#[divan::bench]
fn all_of_all_patches() -> usize {
    Catalogue::builtin().patches().len()
}

#[divan::bench]
fn read_a_dockerfile(bencher: Bencher) {
    let source = Source::from_text("Dockerfile", DOCKERFILE);
    bencher.counter(BytesCount::of_str(DOCKERFILE)).bench(|| dockerfile::parse(black_box(&source)).is_ok());
}

#[divan::bench]
fn read_a_shell_text(bencher: Bencher) {
    bencher.counter(BytesCount::of_str(RUN)).bench(|| shell::parse(black_box(RUN)).is_ok());
}

#[divan::bench]
fn read_a_conda_environment(bencher: Bencher) {
    let source = Source::from_text("environment.yml", ENVIRONMENT);
    bencher.counter(BytesCount::of_str(ENVIRONMENT)).bench(|| CondaEnvironment::parse(black_box(&source)).is_ok());
}

#[divan::bench]
fn find_in_every_example(bencher: Bencher) {
    let (catalogue, texts) = (Catalogue::builtin(), examples());
    let projects: Vec<Project> = texts.iter().filter_map(|text| project(text)).collect();
    bencher.bench(|| projects.iter().map(|project| envfix::find(project, &catalogue).len()).sum::<usize>());
}

#[divan::bench]
fn read_find_plan_and_verify_every_example(bencher: Bencher) {
    let (catalogue, policy, texts) = (Catalogue::builtin(), Policy::default(), examples());
    let fix = |text: &String| {
        let project = project(text)?;
        let plan = envfix::plan(&project, envfix::find(&project, &catalogue), &policy);
        Some(envfix::verify(&project, &catalogue, &policy, plan).files().len())
    };
    bencher.bench(|| texts.iter().filter_map(fix).sum::<usize>());
}

#[divan::bench]
fn the_diff_of_one_line_in_a_thousand(bencher: Bencher) {
    let before = "RUN pip install flask\n".repeat(1000);
    let after = format!("{}RUN pip install django\n{}", &before[..before.len() / 2], &before[before.len() / 2..]);
    bencher.bench(|| diff::unified("Dockerfile", black_box(&before), black_box(&after)).len());
}

#[divan::bench]
fn make_the_expressions_of_a_log() -> SymptomSet {
    diagnosis::symptoms(&Catalogue::builtin())
}

#[divan::bench]
fn read_a_log(bencher: Bencher) {
    let symptoms = diagnosis::symptoms(&Catalogue::builtin());
    let log = LOG.repeat(100);
    bencher.counter(BytesCount::of_str(&log)).bench(|| build_log::read(black_box(log.as_bytes()), &symptoms).is_ok());
}
