//! The one HTTP client that the hosts are asked with: JSON over `ureq`, with time-outs, waiting where the host asks for it,
//! and care that a request which may have been carried out is not sent twice and that the token goes to one host only.

mod answer;
mod proxy;

use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use ureq::http::{Method, Request, Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

pub(super) use self::answer::{Answer, next_link};
pub use self::proxy::Proxies;
use super::ci::Token;
use super::host::{HostError, HostKind};
use crate::output::redact::redact;

/// What a whole request may take, and what making the connection may.
const WHOLE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const LARGEST: u64 = 20 * 1024 * 1024;
/// How often a request is sent at most: where no connection is made, and where the server fails.
const TRIES: u32 = 4;
/// How many redirects are followed, all on the same host.
const REDIRECTS: usize = 5;

/// The time, and waiting.
pub trait Clock {
    /// Seconds since 1970.
    fn now(&self) -> u64;
    /// Waits.
    fn sleep(&self, time: Duration);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How requests are sent.
pub struct Transport {
    /// A dry run: what would change something at the host is printed here instead, and taken as done.
    pub dry_run: Option<Box<dyn Write>>,
    /// How long all requests together wait, at most, where the host limits their number or fails.
    pub patience: Duration,
    /// The time, and waiting.
    pub clock: Box<dyn Clock>,
    /// The proxies to go through.
    pub proxies: Proxies,
}

impl Default for Transport {
    /// Requests are sent, wait two minutes in all, and go through the proxies that the environment names.
    fn default() -> Self {
        Self {
            dry_run: None,
            patience: Duration::from_secs(120),
            clock: Box::new(SystemClock),
            proxies: Proxies::from_variables(&|name| std::env::var(name).ok()),
        }
    }
}

/// A client for the API of one host.
pub(super) struct Client {
    host: HostKind,
    base: String,
    headers: Vec<(&'static str, String)>,
    token: Token,
    transport: Transport,
    waited: Duration,
    /// Keeps connections.
    reader: Agent,
    /// Keeps none: on a kept one that the server has closed meanwhile nobody knows whether a request arrived.
    writer: Agent,
}

/// What became of one try.
enum Tried {
    Answered(Answer),
    /// Nothing was sent; `again` says whether another try may help.
    NotSent {
        error: HostError,
        again: bool,
    },
    /// It broke after something was sent.
    Broken(String),
}

impl Client {
    /// A client for the API at `base`, which sends these headers (the authorization among them) with every request.
    pub fn new(
        host: HostKind,
        base: &str,
        token: Token,
        headers: Vec<(&'static str, String)>,
        transport: Transport,
    ) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let proxy = transport.proxies.of(&base).and_then(|proxy| ureq::Proxy::new(proxy).ok());
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .proxy(proxy.clone())
                .timeout_global(Some(WHOLE))
                .timeout_connect(Some(CONNECT))
                .timeout_resolve(Some(CONNECT))
                .max_idle_age(Duration::from_secs(5))
                .user_agent(concat!("envfix/", env!("CARGO_PKG_VERSION")))
                .tls_config(TlsConfig::builder().root_certs(roots()).build())
        };
        Self {
            host,
            base,
            headers,
            token,
            transport,
            waited: Duration::ZERO,
            reader: config().build().new_agent(),
            writer: config().max_idle_connections(0).build().new_agent(),
        }
    }

    /// Reads what stands at a path of the API, or at an address of the same host.
    ///
    /// # Errors
    /// As [`HostError`] says, for any status that is no success.
    pub fn get(&mut self, path: &str) -> Result<Answer, HostError> {
        let answer = self.request(&Method::GET, path, None)?;
        self.successful(path, answer)
    }

    /// Reads what stands at a path; `None` where nothing does.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn get_if_there(&mut self, path: &str) -> Result<Option<Answer>, HostError> {
        let answer = self.request(&Method::GET, path, None)?;
        if answer.status == 404 { Ok(None) } else { self.successful(path, answer).map(Some) }
    }

    /// Reads all items of a list whose answers name the next page.
    ///
    /// # Errors
    /// As [`Client::get`]; a page that `items` finds no list in is unexpected.
    pub fn pages(
        &mut self,
        path: &str,
        items: fn(Value) -> Value,
        next: &dyn Fn(&str, &Answer) -> Option<String>,
    ) -> Result<Vec<Value>, HostError> {
        let mut all = Vec::new();
        let mut path = path.to_owned();
        loop {
            let answer = self.get(&path)?;
            let following = next(&path, &answer);
            match items(answer.body) {
                Value::Array(page) => all.extend(page),
                _ => return Err(self.unexpected(&path, "it is no list")),
            }
            match following {
                Some(following) if following != path => path = following,
                _ => return Ok(all),
            }
        }
    }

    /// Sends something that changes something at the host. In a dry run it is printed and `pretended` is the answer.
    ///
    /// # Errors
    /// As [`HostError`] says, for any status that is no success.
    pub fn send(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        pretended: Value,
    ) -> Result<Answer, HostError> {
        let address = self.shown(path);
        if let Some(out) = &mut self.transport.dry_run {
            writeln!(out, "{method} {address}")?;
            if let Some(body) = body {
                writeln!(out, "{}", serde_json::to_string_pretty(body).map_err(io::Error::from)?)?;
            }
            writeln!(out)?;
            return Ok(Answer::pretended(pretended));
        }
        let answer = self.request(method, path, body)?;
        self.successful(path, answer)
    }

    /// The error of an answer that lacks what the documentation promises.
    pub fn unexpected(&self, path: &str, because: &str) -> HostError {
        HostError::Unexpected { host: self.host, address: self.shown(path), because: because.to_owned() }
    }

    /// A text of the host as errors print it: without the token and other credentials, short, on one line.
    fn clean(&self, text: &str) -> String {
        let text = self.token.cut_from(text);
        let short: String = redact(&text).chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect();
        short.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// An address as it is printed.
    fn shown(&self, path: &str) -> String {
        redact(&self.token.cut_from(&self.address(path))).into_owned()
    }

    fn address(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() }
    }

    fn successful(&self, path: &str, answer: Answer) -> Result<Answer, HostError> {
        let (host, address, status) = (self.host, self.shown(path), answer.status);
        let said = self.clean(&answer.said());
        Err(match status {
            // Azure DevOps answers 203 with its sign-in page where the token is wrong.
            203 if host == HostKind::AzureDevOps && answer.text.is_some() => {
                HostError::BadToken { host, said: "a sign-in page".to_owned() }
            }
            200..=299 => match &answer.text {
                None => return Ok(answer),
                Some(text) => HostError::NotJson { address, status, begins: self.clean(text) },
            },
            300..=399 => HostError::Redirect { to: self.clean(answer.location().unwrap_or("nowhere")), address },
            401 => HostError::BadToken { host, said },
            403 => HostError::Forbidden { host, said },
            404 => HostError::NotFound { host, what: address },
            406 | 413 => HostError::TooLarge { host, said },
            500..=599 => HostError::Server { address, status, said },
            _ => HostError::Refused { address, status, said },
        })
    }

    /// Sends a request until it is answered for good, and follows redirects on the same host.
    fn request(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Result<Answer, HostError> {
        let mut address = self.address(path);
        if !same_origin(&self.base, &address) {
            return Err(HostError::Redirect { address: self.shown("/"), to: self.clean(&address) });
        }
        for _ in 0..REDIRECTS {
            let answer = self.request_at(method, &address, body)?;
            // What is sent keeps its method on 307 and 308 only.
            let follows =
                matches!(answer.status, 307 | 308) || (*method == Method::GET && matches!(answer.status, 301..=303));
            let to = answer.location().filter(|_| follows).map(|to| join(&address, to));
            match to {
                Some(to) if same_origin(&self.base, &to) => address = to,
                Some(to) if self.host == HostKind::AzureDevOps && to.contains("_signin") => {
                    return Err(HostError::BadToken { host: self.host, said: "it asks to sign in".to_owned() });
                }
                _ => return Ok(answer),
            }
        }
        Err(self.unexpected(path, "it redirects too often"))
    }

    fn request_at(&mut self, method: &Method, address: &str, body: Option<&Value>) -> Result<Answer, HostError> {
        // Sent twice they do what they do once; a POST may post twice.
        let repeatable = *method != Method::POST;
        let mut tries = 0;
        loop {
            tries += 1;
            let back_off = Duration::from_secs(1 << (tries - 1).min(5));
            let error = match self.try_once(method, address, body) {
                Tried::Answered(answer) => {
                    if let Some(asked) = answer.limit(self.transport.clock.now(), back_off) {
                        if !self.wait(asked) {
                            let bound = self.transport.patience;
                            return Err(HostError::RateLimit { host: self.host, wait: asked, bound });
                        }
                        continue;
                    }
                    let fails = answer.status == 503 || (repeatable && matches!(answer.status, 408 | 500 | 502 | 504));
                    let wait = answer.retry_after().unwrap_or(back_off);
                    if !fails || tries >= TRIES || !self.wait(wait) {
                        return if matches!(answer.status, 408 | 500 | 502 | 504) && !repeatable {
                            Err(HostError::Unsure {
                                address: self.shown(address),
                                because: format!("the server failed with {}", answer.status),
                            })
                        } else {
                            Ok(answer)
                        };
                    }
                    continue;
                }
                Tried::NotSent { error, again } if !again || tries >= TRIES => return Err(error),
                Tried::NotSent { error, .. } => error,
                Tried::Broken(because) if !repeatable => {
                    return Err(HostError::Unsure { address: self.shown(address), because });
                }
                Tried::Broken(because) => HostError::Unreachable {
                    address: self.shown(address),
                    because,
                    advice: "the connection broke each time: check the network and the proxy, and run again",
                },
            };
            if tries >= TRIES || !self.wait(back_off) {
                return Err(error);
            }
        }
    }

    /// Waits; `false` where that is longer in all than envfix waits.
    fn wait(&mut self, time: Duration) -> bool {
        // A host that asks to wait no time at all must not keep envfix asking forever.
        let time = time.max(Duration::from_secs(1));
        if self.waited.saturating_add(time) > self.transport.patience {
            return false;
        }
        self.waited += time;
        self.transport.clock.sleep(time);
        true
    }

    fn try_once(&self, method: &Method, address: &str, body: Option<&Value>) -> Tried {
        let mut request = Request::builder().method(method).uri(address);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let agent = if *method == Method::GET { &self.reader } else { &self.writer };
        let sent = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                request.body(body.to_string()).map(|request| agent.run(request))
            }
            // Without it the length would be unknown, and not every server takes that.
            None if *method == Method::POST || *method == Method::PUT => {
                request.body("").map(|request| agent.run(request))
            }
            None => request.body(()).map(|request| agent.run(request)),
        };
        match sent {
            Ok(Ok(response)) => self.read(address, response),
            Ok(Err(error)) => self.not_answered(address, &error),
            Err(error) => Tried::NotSent {
                error: self.unreachable(address, &error.to_string(), "check the address"),
                again: false,
            },
        }
    }

    fn read(&self, address: &str, response: Response<Body>) -> Tried {
        let (parts, body) = response.into_parts();
        let mut bytes = Vec::new();
        match body.into_reader().take(LARGEST + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > LARGEST => {
                let error = self.unexpected(address, "it is larger than 20 MB");
                Tried::NotSent { error, again: false }
            }
            Ok(_) => Tried::Answered(Answer::new(parts.status.as_u16(), parts.headers, &bytes)),
            Err(error) => Tried::Broken(self.clean(&format!("the answer broke off: {error}"))),
        }
    }

    fn unreachable(&self, address: &str, because: &str, advice: &'static str) -> HostError {
        HostError::Unreachable { address: self.shown(address), because: self.clean(because), advice }
    }

    /// What an error of the connection means: whether the request can have been sent, and what helps.
    fn not_answered(&self, address: &str, error: &ureq::Error) -> Tried {
        use io::ErrorKind::{
            AddrNotAvailable, ConnectionRefused, HostUnreachable, InvalidData, NetworkUnreachable, PermissionDenied,
        };
        let text = error.to_string();
        let not_sent = |advice, again| Tried::NotSent { error: self.unreachable(address, &text, advice), again };
        let name = "check the host's name and DNS, or set HTTPS_PROXY where only a proxy resolves it";
        let certificate = "check the certificate: where the organization has its own, its root must be among this machine's \
                           (or named by SSL_CERT_FILE)";
        match error {
            ureq::Error::HostNotFound | ureq::Error::Timeout(Timeout::Resolve) => not_sent(name, true),
            ureq::Error::Io(cause) if is_name_unknown(cause) => not_sent(name, true),
            ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => {
                not_sent("check HTTPS_PROXY (its address, user and password), or name the host in NO_PROXY", true)
            }
            ureq::Error::ConnectionFailed | ureq::Error::Timeout(Timeout::Connect) => {
                not_sent("check the address and the firewall, or set HTTPS_PROXY", true)
            }
            ureq::Error::Io(cause)
                if matches!(
                    cause.kind(),
                    ConnectionRefused | HostUnreachable | NetworkUnreachable | AddrNotAvailable | PermissionDenied
                ) =>
            {
                not_sent("check the address and the firewall, or set HTTPS_PROXY", true)
            }
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => not_sent(certificate, false),
            // A handshake that fails: rustls gives its errors as invalid data.
            ureq::Error::Io(cause) if cause.kind() == InvalidData => not_sent(certificate, false),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => not_sent("check the base address", false),
            _ => Tried::Broken(self.clean(&text)),
        }
    }
}

/// Whether the name has no address: std has no kind of error for it.
fn is_name_unknown(error: &io::Error) -> bool {
    // WSAHOST_NOT_FOUND to WSANO_DATA.
    let of_windows = cfg!(windows) && matches!(error.raw_os_error(), Some(11001..=11004));
    of_windows || error.to_string().starts_with("failed to lookup address information")
}

/// The certificates that are trusted: this machine's, or Mozilla's where it has none (a slim container).
fn roots() -> RootCerts {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    let kept = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem", "/etc/pki", "/etc/ssl/ca-bundle.pem"];
    if cfg!(target_os = "linux") && !named && !kept.iter().any(|path| std::path::Path::new(path).exists()) {
        return RootCerts::WebPki;
    }
    RootCerts::PlatformVerifier
}

/// The scheme and authority of an address.
fn origin(address: &str) -> Option<&str> {
    let authority = address.find("://")? + 3;
    let end = address[authority..].find(['/', '?', '#']).map_or(address.len(), |at| authority + at);
    Some(&address[..end])
}

/// Whether two addresses are of the same scheme, host and port.
fn same_origin(one: &str, other: &str) -> bool {
    matches!((origin(one), origin(other)), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
}

/// Where a `Location` leads from an address.
fn join(address: &str, to: &str) -> String {
    if to.contains("://") {
        to.to_owned()
    } else if let Some(rest) = to.strip_prefix("//") {
        format!("{}://{rest}", address.split("://").next().unwrap_or("https"))
    } else if to.starts_with('/') {
        format!("{}{to}", origin(address).unwrap_or_default())
    } else {
        format!("{}/{to}", address.rsplit_once('/').map_or(address, |(folder, _)| folder))
    }
}

/// A text as one segment of a path, or as a value of a query.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A text as segments of a path: its slashes stay.
pub(super) fn encode_path(text: &str) -> String {
    text.split('/').map(encode).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert!(same_origin("https://api.github.com", "https://API.github.com/repos?page=2"));
        assert!(!same_origin("https://api.github.com", "http://api.github.com/repos"));
        assert!(!same_origin("https://api.github.com", "https://api.github.com:444/repos"));
        assert!(!same_origin("https://api.github.com", "https://api.github.com.evil.example/"));
        assert!(!same_origin("https://api.github.com", "https://api.github.com@evil.example/"));
        assert!(!same_origin("https://api.github.com", "/repos"));
    }

    #[test]
    fn a_location_may_be_relative() {
        assert_eq!(join("https://h/a/b?c", "/d"), "https://h/d");
        assert_eq!(join("https://h/a/b", "d"), "https://h/a/d");
        assert_eq!(join("https://h/a", "//other/d"), "https://other/d");
        assert_eq!(join("https://h/a", "https://h/d"), "https://h/d");
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encode("a b/ü.yml"), "a%20b%2F%C3%BC.yml");
        assert_eq!(encode_path("a b/c+d"), "a%20b/c%2Bd");
    }
}
