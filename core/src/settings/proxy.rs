//! The proxy through which calls go.

use std::fmt;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::types::{Error, ErrorKind, Result};

/// The word for a proxy that the environment names.
const ENVIRONMENT: &str = "environment";

/// The proxy through which calls go. What stays on this machine never goes through one.
#[derive(Clone)]
pub enum Proxy {
    /// The one that the variables `HTTPS_PROXY` or `ALL_PROXY` name, except for what `NO_PROXY` names. Plain http never goes
    /// through it.
    Environment,
    /// A server.
    Server(ProxyServer),
}

/// The address of a proxy. Its user and password are shown nowhere.
#[derive(Clone)]
pub struct ProxyServer {
    whole: SecretString,
    shown: String,
}

impl Proxy {
    /// Reads `environment`, or an address such as `http://user:password@proxy.example.com:3128`; the schemes are `http`,
    /// `https`, and `socks5` and `socks5h`, of which the latter leaves it to the proxy to look names up.
    ///
    /// Fails with `invalid_request`; the error does not repeat the text.
    pub fn parse(text: &str) -> Result<Self> {
        if text == ENVIRONMENT {
            Ok(Self::Environment)
        } else {
            ProxyServer::parse(text, "setting `proxy`").map(Self::Server)
        }
    }
}

impl ProxyServer {
    /// Reads an address; `what` names where it stands.
    pub(crate) fn parse(text: &str, what: &str) -> Result<Self> {
        let wrong = || {
            let detail = format!(
                "{what} must be \"{ENVIRONMENT}\" or the address of a proxy, such as http://proxy.example.com:3128; the schemes \
                 are http, https, socks5 and socks5h, a user and a password may stand before the host, and nothing may stand \
                 behind the port"
            );
            Error::new(ErrorKind::InvalidRequest, detail)
        };
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let url = Url::parse(text).ok().filter(|_| is_plain && text.contains("://")).ok_or_else(wrong)?;
        let known = ["http", "https", "socks5", "socks5h"].contains(&url.scheme());
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().filter(|host| known && is_bare && !host.is_empty()).ok_or_else(wrong)?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let shown = format!("{}://{host}{port}", url.scheme());
        Ok(Self { whole: SecretString::from(text), shown })
    }

    /// Returns the whole address.
    pub(crate) fn address(&self) -> &str {
        self.whole.expose_secret()
    }

    /// Returns the address without its user and password.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Environment, Self::Environment) => true,
            (Self::Server(one), Self::Server(other)) => one.address() == other.address(),
            _ => false,
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => formatter.write_str(ENVIRONMENT),
            Self::Server(server) => server.fmt(formatter),
        }
    }
}

impl fmt::Debug for ProxyServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

/// Without the user and the password.
impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Environment => serializer.serialize_str(ENVIRONMENT),
            Self::Server(server) => serializer.serialize_str(&server.shown),
        }
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        // What is read as a secret is repeated in no error.
        let text = SecretString::deserialize(deserializer)?;
        Self::parse(text.expose_secret()).map_err(|error| serde::de::Error::custom(error.detail()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_and_its_password_is_never_shown() {
        for (text, shown) in [
            ("environment", "environment"),
            ("http://proxy.test:3128", "http://proxy.test:3128"),
            ("https://user:pass%40word@proxy.test/", "https://proxy.test"),
            ("socks5h://user:password@[::1]:1080", "socks5h://[::1]:1080"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(format!("{proxy:?}"), shown);
            assert_eq!(serde_json::to_value(&proxy).unwrap(), shown);
            assert_eq!(serde_json::from_value::<Proxy>(text.into()).unwrap(), proxy);
        }
    }

    #[test]
    fn an_invalid_proxy_address_is_refused_without_being_repeated() {
        for text in [
            "",
            "proxy.test:3128",
            "ftp://user:password@proxy.test",
            "http://",
            "http://user:password@proxy.test/path",
            "http://user:password@proxy.test?x",
            "http://user:password@proxy.test#x",
            "http://user:pass word@proxy.test",
            "http://user:password\\@proxy.test",
            "Environment",
        ] {
            let error = Proxy::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.detail().contains("setting `proxy`") && !error.detail().contains("pass word"), "{error}");
            let said = serde_json::from_value::<Proxy>(text.into()).unwrap_err().to_string();
            assert!(said.contains("socks5h") && !said.contains("user:"), "{said}");
        }
    }
}
