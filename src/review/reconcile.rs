//! What is posted and what is to be said, compared: what is new is posted, what changed is updated, what is mended is
//! settled, and everything else is left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::comment::{LOG_SUMMARY, OF_LOG, SUMMARY, Wanted, fingerprint_of, marker};
use super::host::{Host, HostError, Posted, PullRequest, Review};

/// What is done on a host.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// What is posted, as one review.
    pub review: Option<Review>,
    /// What gets another text.
    pub update: Vec<(Posted, String)>,
    /// What is no fault any more, with the text that says so.
    pub settle: Vec<(Posted, String)>,
    /// How much is there already, as it should be.
    pub kept: usize,
}

/// What begins the text of something settled, where a host cannot resolve it.
const SETTLED: &str = "~~Found by envfix~~ Mended";

/// Compares what is to be said with what was posted. What was said of the files `unread` stays.
#[must_use]
pub fn steps(wanted: Wanted, posted: &[Posted], unread: &BTreeSet<&str>, commit: &str) -> Steps {
    let mut steps = Steps::default();
    // What was posted twice, by two runs at once, counts once.
    let mut known: BTreeMap<&str, &Posted> = BTreeMap::new();
    for post in posted {
        let Some(print) = fingerprint_of(&post.body).map(bare) else { continue };
        let better = known.get(print).is_none_or(|other| is_settled(other) && !is_settled(post));
        if better {
            known.insert(print, post);
        }
    }
    let mut comments = Vec::new();
    let mut said: BTreeSet<String> = BTreeSet::new();
    for (print, comment) in wanted.comments {
        said.insert(print.clone());
        match known.get(bare(&print)) {
            // A fault that came back is told again.
            None => comments.push(comment),
            Some(post) if post.body.starts_with(SETTLED) => comments.push(comment),
            // Somebody resolved it: that is an answer. What a run of the other kind said needs no other words.
            Some(post) if post.resolved || same(&post.body, &comment.body) => steps.kept += 1,
            Some(post) if fingerprint_of(&post.body) != Some(print.as_str()) => steps.kept += 1,
            Some(post) => steps.update.push(((*post).clone(), comment.body)),
        }
    }
    let own = if wanted.of_log { LOG_SUMMARY } else { SUMMARY };
    let mut summary = None;
    match (wanted.summary, known.get(bare(own))) {
        (Some(text), None) => summary = Some(text),
        (Some(text), Some(post)) if same(&post.body, &text) => steps.kept += 1,
        (Some(text), Some(post)) => steps.update.push(((*post).clone(), text)),
        (None, Some(post)) if !post.body.starts_with(SETTLED) => {
            steps.settle.push(((*post).clone(), settled(own, commit)));
        }
        (None, _) => {}
    }
    for post in posted {
        let Some(print) = fingerprint_of(&post.body) else { continue };
        let stays = post.path.as_deref().is_some_and(|path| unread.contains(path));
        let of_this_kind = print.starts_with(OF_LOG) == wanted.of_log && ![SUMMARY, LOG_SUMMARY].contains(&print);
        if of_this_kind && !said.contains(print) && !is_settled(post) && !stays {
            steps.settle.push((post.clone(), settled(print, commit)));
        }
    }
    if summary.is_some() || !comments.is_empty() {
        steps.review = Some(Review { commit: commit.to_owned(), summary, comments });
    }
    steps
}

/// A fingerprint without its kind: what is said with a log and without is the same suggestion.
fn bare(print: &str) -> &str {
    print.strip_prefix(OF_LOG).unwrap_or(print)
}

fn is_settled(post: &Posted) -> bool {
    post.resolved || post.body.starts_with(SETTLED)
}

fn settled(print: &str, commit: &str) -> String {
    let short: String = commit.chars().take(10).collect();
    format!("{SETTLED} in {short}.\n\n{}\n", marker(print))
}

/// Hosts trim texts, and some write their newlines otherwise.
fn same(a: &str, b: &str) -> bool {
    a.lines().map(str::trim_end).eq(b.trim_end().lines().map(str::trim_end)) || a.trim_end() == b.trim_end()
}

impl Steps {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.review.is_none() && self.update.is_empty() && self.settle.is_empty()
    }

    /// Does it. The new review goes first: what is mended stays marked as open until that stands.
    ///
    /// # Errors
    /// With the first thing that failed, and how much was done before.
    pub fn take(&self, host: &mut dyn Host, pull: &PullRequest) -> Result<(), HostError> {
        let of = self.review.as_ref().map_or(0, |review| review.comments.len()) + self.update.len() + self.settle.len();
        let mut posted = 0;
        if let Some(review) = &self.review {
            host.post(pull, review)?;
            posted += review.comments.len();
        }
        let half_way = |posted: usize, because: HostError| match posted {
            0 => because,
            _ => HostError::HalfWay { posted, of, because: Box::new(because) },
        };
        for (post, body) in &self.update {
            host.update(pull, post, body).map_err(|because| half_way(posted, because))?;
            posted += 1;
        }
        for (post, body) in &self.settle {
            // A thread that is only resolved would look like a person's answer, should the fault come back.
            if post.thread.is_some() {
                host.update(pull, post, body).map_err(|because| half_way(posted, because))?;
            }
            host.settle(pull, post, body).map_err(|because| half_way(posted, because))?;
            posted += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::host::Comment;

    fn wanted(prints: &[(&str, &str)]) -> Wanted {
        let comments = prints.iter().map(|(print, text)| {
            let body = format!("{text}\n\n{}\n", marker(print));
            ((*print).to_owned(), Comment { path: "Dockerfile".to_owned(), lines: 1..=1, body })
        });
        Wanted { comments: comments.collect(), ..Wanted::default() }
    }

    fn posted(print: &str, text: &str, resolved: bool) -> Posted {
        let body = format!("{text}\r\n\r\n{}", marker(print));
        let path = Some("Dockerfile".to_owned());
        Posted { id: print.to_owned(), thread: None, body, path, lines: Some(1..=1), resolved }
    }

    fn steps(wanted: Wanted, posted: &[Posted], commit: &str) -> Steps {
        super::steps(wanted, posted, &BTreeSet::new(), commit)
    }

    fn ids(list: &[(Posted, String)]) -> Vec<&str> {
        list.iter().map(|(post, _)| post.id.as_str()).collect()
    }

    #[test]
    fn nothing_is_posted_twice_and_what_changed_is_updated() {
        let there = [posted("a", "one", false), posted("b", "two", false), posted("c", "three", true)];
        let steps = steps(wanted(&[("a", "one"), ("b", "other"), ("c", "three, too"), ("d", "four")]), &there, "abc");
        assert_eq!((steps.kept, ids(&steps.update)), (2, vec!["b"]));
        assert_eq!(steps.review.unwrap().comments.len(), 1);
        assert!(steps.settle.is_empty());
    }

    #[test]
    fn what_is_mended_is_settled_once_and_told_again_when_it_comes_back() {
        let there = [posted("a", "one", false)];
        let first = steps(Wanted::default(), &there, "0123456789abcdef");
        assert_eq!(ids(&first.settle), ["a"]);
        assert!(first.settle[0].1.contains("Mended in 0123456789."), "{}", first.settle[0].1);
        let marked = [Posted { body: first.settle[0].1.clone(), ..there[0].clone() }];
        assert!(steps(Wanted::default(), &marked, "abc").is_empty());
        assert_eq!(steps(wanted(&[("a", "one")]), &marked, "abc").review.unwrap().comments.len(), 1);
    }

    #[test]
    fn what_was_said_of_a_file_that_cannot_be_read_now_stays() {
        let there = [posted("a", "one", false)];
        assert!(super::steps(Wanted::default(), &there, &BTreeSet::from(["Dockerfile"]), "abc").is_empty());
        assert!(!super::steps(Wanted::default(), &there, &BTreeSet::from(["other"]), "abc").is_empty());
    }

    #[test]
    fn a_run_with_a_log_and_one_without_leave_each_others_words_alone() {
        let there = [posted("a", "one", false), posted("log-b", "two", false)];
        let without = steps(wanted(&[("b", "two")]), &there, "abc");
        assert_eq!((ids(&without.settle), without.review.is_none()), (vec!["a"], true));
        assert_eq!((without.kept, without.update.len()), (1, 0));
        let of_log = Wanted { of_log: true, ..wanted(&[("log-a", "one")]) };
        let with = steps(of_log, &there, "abc");
        assert_eq!((ids(&with.settle), with.review.is_none()), (vec!["log-b"], true));
    }

    #[test]
    fn where_there_is_nothing_to_say_nothing_is_done() {
        assert!(steps(Wanted::default(), &[], "abc").is_empty());
    }
}
