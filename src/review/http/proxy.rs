//! Which proxy an address is reached through: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, as curl reads them.

use std::fmt;

/// The proxies that the environment names. They may hold a user and password, so they are not printed.
#[derive(Clone, Default)]
pub struct Proxies {
    https: Option<String>,
    http: Option<String>,
    exceptions: Vec<String>,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proxies")
    }
}

impl Proxies {
    /// Reads the variables, the small names first. An `HTTP_PROXY` in capitals is not read where a CGI server may have
    /// set it from a request's `Proxy` header.
    #[must_use]
    pub fn from_variables(variables: &dyn Fn(&str) -> Option<String>) -> Self {
        let get =
            |names: &[&str]| names.iter().find_map(|name| variables(name).filter(|value| !value.trim().is_empty()));
        let http = if variables("REQUEST_METHOD").is_some() {
            &["http_proxy", "all_proxy"][..]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"][..]
        };
        Self {
            https: get(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: get(http),
            exceptions: get(&["no_proxy", "NO_PROXY"])
                .unwrap_or_default()
                .split([',', ' '])
                .map(|host| host.trim().trim_start_matches("*.").trim_start_matches('.').to_ascii_lowercase())
                .filter(|host| !host.is_empty())
                .collect(),
        }
    }

    /// The proxy for an address, if any.
    pub(super) fn of(&self, address: &str) -> Option<&str> {
        let (scheme, rest) = address.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let host = match authority.strip_prefix('[') {
            Some(six) => six.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let matches = |exception: &String| {
            exception == "*"
                || *exception == authority
                || host
                    .strip_suffix(exception.as_str())
                    .is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        if self.exceptions.iter().any(matches) {
            return None;
        }
        if scheme.eq_ignore_ascii_case("https") { self.https.as_deref() } else { self.http.as_deref() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(pairs: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(&|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned()))
    }

    #[test]
    fn the_scheme_decides_which_proxy() {
        let both =
            proxies(&[("HTTPS_PROXY", "http://s:1"), ("http_proxy", "http://p:2"), ("HTTP_PROXY", "http://q:3")]);
        assert_eq!(both.of("https://api.github.com/"), Some("http://s:1"));
        assert_eq!(both.of("http://git.example/"), Some("http://p:2"));
        assert_eq!(proxies(&[("ALL_PROXY", "http://a:1")]).of("https://h"), Some("http://a:1"));
        assert_eq!(proxies(&[]).of("https://h"), None);
        assert_eq!(proxies(&[("HTTPS_PROXY", " ")]).of("https://h"), None);
        assert_eq!(proxies(&[("HTTP_PROXY", "http://q:3"), ("REQUEST_METHOD", "GET")]).of("http://h"), None);
    }

    #[test]
    fn no_proxy_names_hosts_domains_and_ports() {
        let some = proxies(&[("HTTPS_PROXY", "http://s:1"), ("NO_PROXY", "git.example, .corp, *.lan,h:8443,::1")]);
        for direct in
            ["git.example", "a.git.example", "x.corp", "corp", "y.lan:443", "h:8443", "[::1]:80", "u:p@x.corp"]
        {
            assert_eq!(some.of(&format!("https://{direct}/api")), None, "{direct}");
        }
        for proxied in ["xgit.example", "corp.example", "h", "h:1"] {
            assert_eq!(some.of(&format!("https://{proxied}/api")), Some("http://s:1"), "{proxied}");
        }
        assert_eq!(proxies(&[("HTTPS_PROXY", "http://s:1"), ("no_proxy", "*")]).of("https://h"), None);
    }

    #[test]
    fn a_proxy_s_password_is_not_in_its_debug_text() {
        assert_eq!(format!("{:?}", proxies(&[("HTTPS_PROXY", "http://u:secret@s:1")])), "Proxies");
    }
}
