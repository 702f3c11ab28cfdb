//! Which calls go through a proxy.

use reqwest::NoProxy;

use crate::environment::Environment;
use crate::settings::{Proxy, ProxyServer};
use crate::types::{Error, ErrorKind, Result};

/// What never goes through a proxy: it stays on this machine.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The way to providers, of which the environment was asked where it may decide.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    server: Option<ProxyServer>,
    /// What goes without it beside what stays on this machine.
    except: String,
    /// Whether addresses of plain http go without it.
    encrypted_only: bool,
}

impl Proxies {
    /// Reads what the setting asks for. Only one that names the environment reads its variables.
    ///
    /// Fails with `invalid_request` if a variable is no address of a proxy; the error does not repeat it.
    pub fn of(setting: Option<&Proxy>, environment: &dyn Environment) -> Result<Self> {
        match setting {
            None => Ok(Self::default()),
            Some(Proxy::Server(server)) => Ok(Self { server: Some(server.clone()), ..Self::default() }),
            Some(Proxy::Environment) => {
                let named = |name: &str| {
                    let lower = name.to_ascii_lowercase();
                    let value = environment.variable(&lower).map(|value| (lower, value));
                    value.or_else(|| environment.variable(name).map(|value| (name.to_owned(), value)))
                };
                let server = named("HTTPS_PROXY").or_else(|| named("ALL_PROXY")).filter(|(_, value)| !value.is_empty());
                let server = server.map(|(name, value)| read(&name, &value)).transpose()?;
                let except = named("NO_PROXY").map(|(_, value)| value).unwrap_or_default();
                let entries = || except.split(',').map(str::trim);
                let server = server.filter(|_| !entries().any(|entry| entry == "*"));
                // `*.example.com` is meant as `.example.com`.
                let except: Vec<_> = entries().map(|entry| entry.strip_prefix('*').unwrap_or(entry)).collect();
                Ok(Self { server, except: except.join(","), encrypted_only: true })
            }
        }
    }

    /// Returns the proxy that the HTTP client takes, if there is one.
    pub(super) fn proxy(&self) -> Result<Option<reqwest::Proxy>> {
        let Some(server) = &self.server else { return Ok(None) };
        let address = server.address();
        let made = if self.encrypted_only { reqwest::Proxy::https(address) } else { reqwest::Proxy::all(address) };
        // The cause would repeat the address.
        let proxy = made.map_err(|_| {
            let detail = format!("the proxy {} cannot be used; change the setting `proxy`", server.shown());
            Error::new(ErrorKind::InvalidRequest, detail)
        })?;
        Ok(Some(proxy.no_proxy(NoProxy::from_string(&format!("{LOOPBACK},{}", self.except)))))
    }

    /// Returns the address of the proxy as errors may show it.
    pub(super) fn shown(&self) -> Option<&str> {
        self.server.as_ref().map(ProxyServer::shown)
    }
}

/// Reads the value of a variable, which by custom may lack its scheme.
fn read(name: &str, value: &str) -> Result<ProxyServer> {
    let what = format!("the environment variable {name}");
    if value.contains("://") {
        ProxyServer::parse(value, &what)
    } else {
        ProxyServer::parse(&format!("http://{value}"), &what)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use jiff::Timestamp;
    use secrecy::SecretString;

    use super::*;
    use crate::environment::SystemEnvironment;
    use crate::provider::EncodedRequest;
    use crate::transport::{HttpClient, Progress};

    /// The real world with variables of a test's own.
    struct Variables(BTreeMap<&'static str, String>);

    impl Environment for Variables {
        fn now(&self) -> Timestamp {
            SystemEnvironment.now()
        }

        fn monotonic(&self) -> Duration {
            SystemEnvironment.monotonic()
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            SystemEnvironment.sleep(duration)
        }

        fn fill_random(&self, buffer: &mut [u8]) {
            SystemEnvironment.fill_random(buffer);
        }

        fn variable(&self, name: &str) -> Option<String> {
            self.0.get(name).cloned()
        }

        fn process_id(&self) -> u32 {
            SystemEnvironment.process_id()
        }
    }

    /// Takes one connection and returns the first bytes that come over it.
    fn listen() -> (u16, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = vec![0; 4096];
            let read = stream.read(&mut asked).unwrap();
            asked.truncate(read);
            stream.write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n").unwrap();
            asked
        });
        (port, thread)
    }

    async fn send(proxies: Proxies, url: &str) -> Result<u16> {
        let client = HttpClient::new(Arc::new(SystemEnvironment), Duration::from_secs(5), proxies);
        let request = EncodedRequest {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            secret_header: Some(("x-api-key", SecretString::from("sk-secret"))),
            body: b"{}".to_vec(),
        };
        client.send(request, &Progress::default()).await.map(|response| response.head.status)
    }

    fn of_environment<const N: usize>(variables: [(&'static str, String); N]) -> Result<Proxies> {
        Proxies::of(Some(&Proxy::Environment), &Variables(variables.into()))
    }

    #[tokio::test]
    async fn a_proxy_that_is_set_takes_what_leaves_this_machine() {
        let (port, asked) = listen();
        let setting = Proxy::parse(&format!("http://user:pass%40word@127.0.0.1:{port}")).unwrap();
        let proxies = Proxies::of(Some(&setting), &SystemEnvironment).unwrap();
        assert_eq!(send(proxies.clone(), "http://provider.test/v1").await.unwrap(), 407);
        let asked = String::from_utf8(asked.join().unwrap()).unwrap();
        assert!(asked.starts_with("POST http://provider.test/v1 HTTP/1.1\r\n"), "{asked}");
        // `user:pass@word`
        assert!(asked.to_lowercase().contains("proxy-authorization: basic dxnlcjpwyxnzqhdvcmq="), "{asked}");
        // Nobody listens at the proxy any more; what stays on this machine never asks it.
        let (own, asked) = listen();
        assert_eq!(send(proxies.clone(), &format!("http://127.0.0.1:{own}/v1")).await.unwrap(), 407);
        assert!(asked.join().unwrap().starts_with(b"POST /v1 HTTP/1.1\r\n"));
        let error = send(proxies, "https://provider.test/v1").await.unwrap_err();
        assert!(error.detail().ends_with(&format!("(the setting `proxy` is http://127.0.0.1:{port})")), "{error}");
        assert!(!error.detail().contains("word"), "{error}");
    }

    #[tokio::test]
    async fn a_proxy_of_the_environment_takes_what_is_encrypted() {
        let (port, asked) = listen();
        let proxies = of_environment([("HTTPS_PROXY", format!("u:password@127.0.0.1:{port}"))]).unwrap();
        let error = send(proxies.clone(), "https://provider.test/v1").await.unwrap_err();
        assert!(!error.detail().contains("password"), "{error}");
        let asked = String::from_utf8(asked.join().unwrap()).unwrap();
        assert!(asked.starts_with("CONNECT provider.test:443 HTTP/1.1\r\n"), "{asked}");
        assert!(!asked.contains("sk-secret"), "{asked}");
        // To this machine, but not by an address that stays here.
        let (own, asked) = listen();
        assert_eq!(send(proxies, &format!("http://0.0.0.0:{own}/v1")).await.unwrap(), 407);
        assert!(asked.join().unwrap().starts_with(b"POST /v1 HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn the_environment_names_exceptions() {
        let nobody = || ("all_proxy", "socks5://127.0.0.1:9".to_owned());
        for proxies in [
            of_environment([nobody(), ("NO_PROXY", "example.test,0.0.0.0".to_owned())]).unwrap(),
            of_environment([nobody(), ("no_proxy", "*".to_owned())]).unwrap(),
            of_environment([("HTTP_PROXY", "http://127.0.0.1:9".to_owned())]).unwrap(),
            Proxies::of(None, &Variables([nobody()].into())).unwrap(),
        ] {
            let (own, asked) = listen();
            send(proxies, &format!("https://0.0.0.0:{own}/v1")).await.unwrap_err();
            // The first byte of a handshake.
            assert_eq!(asked.join().unwrap().first(), Some(&22));
        }
    }

    #[test]
    fn a_variable_that_is_no_address_is_refused_without_being_repeated() {
        let error = of_environment([("https_proxy", "ftp://u:pass-word@h".to_owned())]).unwrap_err();
        assert!(error.detail().contains("https_proxy") && !error.detail().contains("pass-word"), "{error}");
        assert!(of_environment([("HTTPS_PROXY", String::new())]).unwrap().shown().is_none());
    }
}
