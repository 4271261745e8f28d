use super::*;
use crate::facts::version::Distribution;

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn release(image: &str) -> Option<String> {
    describe(image).release.value().map(ToString::to_string)
}

fn releases(image: &str) -> Vec<String> {
    describe(image).release.values().iter().map(ToString::to_string).collect()
}

/// Kind and versions of the Python that answers `python`; `None` where that is not known.
fn python(image: &str) -> Option<Option<(InterpreterKind, String)>> {
    let facts = describe(image);
    let value = facts.python.value()?;
    Some(value.as_ref().map(|python| {
        let level = match &python.version {
            Fact::Known { .. } => "known",
            Fact::Among { .. } => "among",
            Fact::Unknown { .. } => "unknown",
        };
        let versions: Vec<_> = python.version.values().iter().map(ToString::to_string).collect();
        (python.kind, format!("{level} {}", versions.join(",")).trim_end().to_owned())
    }))
}

fn of(kind: InterpreterKind, text: &str) -> Option<Option<(InterpreterKind, String)>> {
    Some(Some((kind, text.to_owned())))
}

#[test]
fn every_row_has_its_source_and_is_understood() {
    table::check(IMAGES);
    table::check(TAGS);
    for (image, row) in FAMILIES.iter() {
        let family = Family::of(*row);
        let rule = matches!(family.release, "none" | "unknown" | "words" | "tag" | "base");
        assert!(rule || Release::parse(family.release).is_some(), "{image}");
        for cell in [family.python, family.python3, family.pip] {
            let (kind, version) = cell.split_once(':').unwrap_or((cell, ""));
            assert!(matches!(kind, "absent" | "unknown" | "same" | "official" | "conda"), "{cell}");
            let rolling = version.starts_with("rolling ");
            assert!(rolling || matches!(version, "" | "tag" | "word" | "azureml" | "unknown"), "{cell}");
        }
        assert!(matches!(family.os, "linux" | "windows") && matches!(family.lists, "yes" | "no" | "unknown"));
    }
    for [_, tag, level, releases, _] in table::rows(TAGS).map(table::Row::cells::<5>) {
        assert!(matches!(level, "known" | "among"), "{tag}");
        assert!(releases.split(',').all(|text| Release::parse(text).is_some()), "{releases}");
    }
}

#[test]
fn a_family_is_reached_by_its_own_row() {
    // A row behind a wider one would never be used.
    for (at, (image, _)) in FAMILIES.iter().enumerate() {
        let name = image.replace('*', "x");
        let first = FAMILIES.iter().position(|(other, _)| matches(other, &name));
        assert_eq!(first, Some(at), "{image}");
    }
}

#[test]
fn a_star_stands_for_anything() {
    assert!(matches("a/*", "a/b/c") && matches("a*c", "abc") && matches("*", "") && matches("a*b*", "axbx"));
    assert!(!matches("a/*", "a") && !matches("a", "ab") && !matches("a*c", "abcd") && !matches("ab", "a"));
}

#[test]
fn ubuntu_and_debian_are_known_by_number_code_name_and_date() {
    for (image, expected) in [
        ("ubuntu:22.04", "ubuntu 22.04"),
        ("ubuntu:jammy", "ubuntu 22.04"),
        ("ubuntu:jammy-20240111", "ubuntu 22.04"),
        ("ubuntu:noble-20240407.1", "ubuntu 24.04"),
        ("ubuntu:resolute-20260707", "ubuntu 26.04"),
        ("debian:12", "debian 12"),
        ("debian:12.5", "debian 12"),
        ("debian:12-slim", "debian 12"),
        ("debian:bookworm-slim", "debian 12"),
        ("debian:bookworm-20240110-slim", "debian 12"),
        ("debian:trixie-backports", "debian 13"),
    ] {
        assert_eq!(release(image).as_deref(), Some(expected), "{image}");
        let facts = describe(image);
        assert_eq!(facts.python.value(), Some(&None), "{image} has no Python");
        assert_eq!(facts.python3.value(), Some(&None));
        assert_eq!(facts.package_lists.value(), Some(&false));
        assert_eq!(facts.user.value().map(String::as_str), Some("root"));
    }
}

#[test]
fn the_official_images_have_many_names() {
    for image in [
        "library/ubuntu:22.04",
        "docker.io/ubuntu:22.04",
        "docker.io/library/ubuntu:22.04",
        "mcr.microsoft.com/mirror/docker/library/ubuntu:22.04",
        "mcr.microsoft.com/oss/mirror/docker.io/library/ubuntu:22.04",
        "public.ecr.aws/docker/library/ubuntu:22.04",
        "arm64v8/ubuntu:22.04",
        "ppc64le/ubuntu:22.04",
    ] {
        assert_eq!(release(image).as_deref(), Some("ubuntu 22.04"), "{image}");
    }
}

#[test]
fn a_private_mirror_is_only_plausible() {
    let facts = describe("registry.example.com:5000/hub/library/ubuntu:22.04");
    assert!(matches!(facts.release, Fact::Among { .. }));
    assert!(matches!(facts.python, Fact::Among { .. }));
    let facts = describe("registry.example.com/team/ubuntu:22.04");
    assert!(matches!(facts.release, Fact::Among { .. }), "its name says so");
    assert!(matches!(facts.python, Fact::Unknown { .. }), "but it may hold anything");
}

#[test]
fn a_rolling_tag_is_among_todays_releases() {
    assert_eq!(releases("ubuntu"), ["ubuntu 26.04", "ubuntu 24.04"]);
    assert_eq!(releases("debian:stable-slim"), ["debian 13", "debian 12"]);
    assert_eq!(releases("debian:testing"), ["debian 14"]);
    for image in ["ubuntu", "ubuntu:latest", "ubuntu:rolling", "debian", "debian:stable", "debian:oldstable"] {
        assert_eq!(release(image), None, "{image}");
    }
}

#[test]
fn a_tag_that_is_not_understood_is_unknown() {
    for image in [
        "ubuntu:devel",
        "ubuntu:99.99",
        "ubuntu:22",
        "ubuntu:22.4",
        "debian:sid-slim",
        "debian:experimental",
        "debian:99",
        "debian:jammy",
        "ubuntu:bookworm",
        "ubuntu:foo",
        "fedora:rawhide",
        "centos",
    ] {
        assert!(matches!(describe(image).release, Fact::Unknown { .. }), "{image} {:?}", describe(image).release);
    }
}

#[test]
fn an_alpine_is_one_also_where_its_release_is_not_known() {
    let images = ["alpine", "alpine:latest", "alpine:edge", "alpine:3", "alpine:20240923", "python:3.10-alpine"];
    for image in images.into_iter().chain(["python:alpine", "node:18-alpine"]) {
        assert_eq!(release(image).as_deref(), Some("alpine"), "{image}");
    }
    assert_eq!(release(&format!("alpine@{DIGEST}")).as_deref(), Some("alpine"));
    assert_eq!(release("alpine:3.18.4").as_deref(), Some("alpine 3.18"));
}

#[test]
fn a_digest_alone_tells_nothing_but_the_family() {
    let facts = describe(&format!("ubuntu@{DIGEST}"));
    assert!(matches!(facts.release, Fact::Unknown { .. }));
    assert_eq!(facts.python.value(), Some(&None));
    assert!(matches!(describe(&format!("debian:stable@{DIGEST}")).release, Fact::Unknown { .. }));
    assert_eq!(release(&format!("ubuntu:22.04@{DIGEST}")).as_deref(), Some("ubuntu 22.04"));
    assert_eq!(python(&format!("python@{DIGEST}")), of(InterpreterKind::Official, "unknown"));
    assert_eq!(python(&format!("python:3@{DIGEST}")), of(InterpreterKind::Official, "unknown"));
    assert_eq!(python(&format!("python:3.10@{DIGEST}")), of(InterpreterKind::Official, "known 3.10"));
}

#[test]
fn an_official_python_is_known_by_its_tag() {
    for (tag, expected) in [
        ("3.10", "known 3.10"),
        ("3.10.4-slim-bookworm", "known 3.10"),
        ("3.14.0rc1-slim", "known 3.14"),
        ("3.13-rc-alpine", "known 3.13"),
        ("2", "known 2.7"),
        ("2-alpine", "known 2.7"),
        ("3", "among 3.15,3.14"),
        ("3-slim", "among 3.15,3.14"),
        ("slim", "among 3.15,3.14"),
        ("latest", "among 3.15,3.14"),
        ("bookworm", "among 3.15,3.14"),
        ("4", "unknown"),
        ("310", "unknown"),
    ] {
        assert_eq!(python(&format!("python:{tag}")), of(InterpreterKind::Official, expected), "{tag}");
    }
    let facts = describe("python:3.10-slim");
    assert_eq!(facts.python3, facts.python);
    assert_eq!(facts.pip, facts.python);
    assert_eq!(facts.conda_prefix.value(), Some(&None));
}

#[test]
fn an_official_python_tells_its_release_by_a_code_name_only() {
    assert_eq!(release("python:3.10-slim-bookworm").as_deref(), Some("debian 12"));
    assert_eq!(release("python:bookworm").as_deref(), Some("debian 12"));
    assert_eq!(release("python:3.10-alpine3.18").as_deref(), Some("alpine 3.18"));
    assert_eq!(releases("python:3.12-slim"), ["debian 13", "debian 12"]);
    for image in ["python:3.7.6", "python:3.7.6-slim", "python:3.5"] {
        assert!(matches!(describe(image).release, Fact::Unknown { .. }), "{image}");
    }
}

#[test]
fn a_windows_image_is_windows_and_no_more() {
    for image in [
        "mcr.microsoft.com/windows/servercore:ltsc2022",
        "mcr.microsoft.com/windows/nanoserver:1809",
        "python:3.6-windowsservercore",
        "mcr.microsoft.com/dotnet/sdk:8.0-nanoserver-ltsc2022",
        "stefanscherer/node-windows:10",
    ] {
        let facts = describe(image);
        assert_eq!(facts.os.value(), Some(&OperatingSystem::Windows), "{image}");
        assert!(matches!(facts.python, Fact::Unknown { .. }) && matches!(facts.release, Fact::Unknown { .. }));
    }
}

#[test]
fn cuda_tells_its_ubuntu_and_has_no_python() {
    let image = "nvidia/cuda:12.1.0-cudnn8-devel-ubuntu22.04";
    assert_eq!(release(image).as_deref(), Some("ubuntu 22.04"));
    assert_eq!(python(image), Some(None));
    assert_eq!(release("nvcr.io/nvidia/cuda:11.8.0-base-ubuntu20.04").as_deref(), Some("ubuntu 20.04"));
    assert_eq!(release("nvidia/cuda:10.0-cudnn7-devel"), None);
    assert!(describe("nvcr.io/nvidia/pytorch:23.03-py3").python.values().is_empty());
}

#[test]
fn azure_training_images_have_the_conda_of_their_time() {
    let conda = InterpreterKind::Conda;
    for (image, ubuntu, expected) in [
        ("openmpi3.1.2-ubuntu18.04:20210727.v1", "18.04", "known 3.7"),
        ("openmpi4.1.0-cuda11.1-cudnn8-ubuntu18.04:20220714.v1", "18.04", "among 3.7,3.8"),
        ("openmpi4.1.0-ubuntu20.04:20230620.v1", "20.04", "known 3.8"),
        ("openmpi4.1.0-ubuntu22.04:20230808.v1", "22.04", "known 3.8"),
        ("openmpi4.1.0-ubuntu20.04:20250209.v1", "20.04", "among 3.8,3.10"),
        ("openmpi5.0-ubuntu24.04:20260409.v4", "24.04", "known 3.10"),
        ("openmpi5.0-ubuntu24.04:20241215.v1", "24.04", "among 3.10"),
        ("openmpi5.0-ubuntu24.04:{{latest-image-tag}}", "24.04", "among 3.10"),
        (r"openmpi5.0-ubuntu24.04:{{latest-image-tag:\d{8}\.v\d+}}", "24.04", "among 3.10"),
        ("openmpi4.1.0-ubuntu20.04", "20.04", "among 3.8,3.10"),
        ("openmpi4.1.0-ubuntu22.04:latest", "22.04", "among 3.10,3.8"),
        ("openmpi4.1.0-ubuntu22.04:custom", "22.04", "unknown"),
        ("intelmpi2018.3-ubuntu16.04:20200821.v1", "16.04", "known 3.7"),
    ] {
        let image = format!("mcr.microsoft.com/azureml/{image}");
        assert_eq!(release(&image), Some(format!("ubuntu {ubuntu}")), "{image}");
        assert_eq!(python(&image), of(conda, expected), "{image}");
        let facts = describe(&image);
        assert_eq!(facts.conda_prefix.value(), Some(&Some("/opt/miniconda".to_owned())));
        assert_eq!(facts.environment, [("PATH".to_owned(), "/opt/miniconda/bin".to_owned())]);
    }
}

#[test]
fn azure_framework_images_are_known_by_their_names() {
    let image = "mcr.microsoft.com/aifx/acpt/stable-ubuntu2204-cu126-py310-torch280:{{latest-image-tag:biweekly.*}}";
    assert_eq!(release(image).as_deref(), Some("ubuntu 22.04"));
    assert_eq!(python(image), of(InterpreterKind::Conda, "known 3.10"));
    assert_eq!(
        python("mcr.microsoft.com/azureml/aifx/stable-ubuntu2004-cu117-py38-torch1131:latest"),
        of(InterpreterKind::Conda, "known 3.8")
    );
    let inference = "mcr.microsoft.com/azureml/minimal-ubuntu20.04-py38-cpu-inference:latest";
    assert_eq!(release(inference).as_deref(), Some("ubuntu 20.04"));
    assert_eq!(python(inference), of(InterpreterKind::Conda, "known 3.8"));
    assert!(describe(inference).user.value().is_none());
    assert_eq!(release("mcr.microsoft.com/azureml/inference-base-2204:20230418.v1").as_deref(), Some("ubuntu 22.04"));
}

#[test]
fn azure_images_without_published_contents_are_unknown() {
    for image in [
        "mcr.microsoft.com/azureml/o16n-base/python-assets:20230222.v4",
        "mcr.microsoft.com/azureml/promptflow/promptflow-runtime:latest",
        "mcr.microsoft.com/azureml/something-new:1",
        "mcr.microsoft.com/azureml/curated/llm-rag-embeddings:latest",
    ] {
        let facts = describe(image);
        assert!(
            matches!(facts.python, Fact::Unknown { .. }) && matches!(facts.release, Fact::Unknown { .. }),
            "{image}"
        );
    }
}

#[test]
fn conda_and_jupyter_images_have_conda_whatever_its_version() {
    let conda = InterpreterKind::Conda;
    assert_eq!(python("continuumio/miniconda3"), of(conda, "among 3.13,3.12"));
    assert_eq!(python("docker.io/continuumio/miniconda3:24.5.0-0"), of(conda, "unknown"));
    assert_eq!(python("condaforge/miniforge3:latest"), of(conda, "unknown"));
    assert_eq!(python("quay.io/jupyter/base-notebook:python-3.11"), of(conda, "known 3.11"));
    assert_eq!(python("jupyter/scipy-notebook:python-3.10.4"), of(conda, "known 3.10"));
    assert_eq!(python("jupyter/minimal-notebook:2023-05-25"), of(conda, "unknown"));
    assert_eq!(python("jupyter/base-notebook:17aba6048f44"), of(conda, "unknown"));
    assert_eq!(release("jupyter/base-notebook:ubuntu-22.04").as_deref(), Some("ubuntu 22.04"));
    assert_eq!(describe("jupyter/base-notebook").user.value().map(String::as_str), Some("jovyan"));
    assert!(describe("mambaorg/micromamba:1.5.8-jammy").python.values().is_empty());
    assert_eq!(release("mambaorg/micromamba:1.5.8-jammy").as_deref(), Some("ubuntu 22.04"));
}

#[test]
fn ros_tells_its_ubuntu_by_distribution_or_code_name() {
    assert_eq!(release("ros:humble").as_deref(), Some("ubuntu 22.04"));
    assert_eq!(release("ros:noetic-ros-base-buster").as_deref(), Some("debian 10"));
    assert_eq!(release("osrf/ros:melodic-desktop-full").as_deref(), Some("ubuntu 18.04"));
    assert_eq!(releases("ros:rolling"), ["ubuntu 26.04", "ubuntu 24.04"]);
    assert_eq!(release("ros:latest"), None);
    assert_eq!(release("gazebo:gzserver9-stretch").as_deref(), Some("debian 9"));
}

#[test]
fn other_families_tell_what_their_tags_say() {
    for (image, expected) in [
        ("node:20-bookworm-slim", "debian 12"),
        ("golang:1.22-alpine3.19", "alpine 3.19"),
        ("buildpack-deps:jammy-curl", "ubuntu 22.04"),
        ("buildpack-deps:bookworm", "debian 12"),
        ("alpine:3.18.4", "alpine 3.18"),
        ("fedora:39", "fedora 39"),
        ("centos:7.9.2009", "centos 7"),
        ("almalinux:9.3-minimal", "almalinux 9"),
        ("rockylinux:8", "rockylinux 8"),
        ("amazonlinux:2023", "amazonlinux 2023"),
        ("registry.access.redhat.com/ubi8/python-39:1-117", "redhat 8"),
        ("registry.access.redhat.com/ubi9-minimal:latest", "redhat 9"),
        ("mcr.microsoft.com/azurelinux/base/core:3.0", "azurelinux 3.0"),
        ("mcr.microsoft.com/cbl-mariner/base/core:2.0", "azurelinux 2.0"),
        ("mcr.microsoft.com/dotnet/sdk:8.0-jammy", "ubuntu 22.04"),
        ("gcr.io/distroless/static-debian12", "debian 12"),
    ] {
        assert_eq!(release(image).as_deref(), Some(expected), "{image}");
    }
    assert_eq!(python("demisto/python3:3.10.14.101217"), of(InterpreterKind::Official, "known 3.10"));
    assert_eq!(python("demisto/python:2.7.18.52566"), of(InterpreterKind::Official, "known 2.7"));
    assert_eq!(
        python("mcr.microsoft.com/devcontainers/python:1-3.11-bullseye"),
        of(InterpreterKind::Official, "known 3.11")
    );
    assert_eq!(python("scratch"), Some(None));
    for image in ["node:20", "node:latest", "golang:1.22", "gcc", "postgres:16", "pytorch/pytorch:2.1.0-cuda11.8"] {
        assert!(matches!(describe(image).release, Fact::Unknown { .. }), "{image}");
        assert!(matches!(describe(image).python, Fact::Unknown { .. }), "{image}");
    }
}

#[test]
fn an_image_outside_the_table_says_at_most_what_its_name_says() {
    let facts = describe("example/app-ubuntu22.04:1");
    assert!(
        matches!(&facts.release, Fact::Among { values, .. } if *values == [Release::new(Distribution::Ubuntu, "22.04")])
    );
    assert!(matches!(facts.python, Fact::Unknown { .. }) && matches!(facts.user, Fact::Unknown { .. }));
    assert!(matches!(describe("example/app:bookworm-jammy").release, Fact::Unknown { .. }), "two releases");
    for image in
        ["example/app", "example/app:3.10", "example/jammyjam", "registry.example.com/python:3.10", "me/ubuntu:22.04"]
    {
        let facts = describe(image);
        assert!(matches!(facts.python, Fact::Unknown { .. }), "{image}");
        assert!(facts.release.value().is_none() && facts.python3.value().is_none(), "{image}");
    }
}

#[test]
fn what_is_no_reference_is_unknown_and_says_why() {
    for image in
        ["", "${BASE}", "ubuntu:${TAG}", "{{installerImageTag}}", "\"ubuntu", "Ubuntu:22.04", "é", ":::", "a:b:c"]
    {
        let facts = describe(image);
        assert!(matches!(facts.release, Fact::Unknown { .. }) && matches!(facts.os, Fact::Unknown { .. }), "{image}");
        assert!(!facts.release.from().is_empty());
    }
}
