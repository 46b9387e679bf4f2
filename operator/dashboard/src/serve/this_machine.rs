//! The gate of `studious ui`: one user of one machine.
//!
//! Other users of the machine reach the port too, so every caller shows a token: the link that `studious ui` prints holds
//! it, and opening that link leaves it in a cookie. As Jupyter does it.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use subtle::ConstantTimeEq as _;

use super::{
    gate::{Gate, Refusal},
    source::StudyKey,
};

const TOKEN_HEADER: &str = "studious-token";
const COOKIE: &str = "studious-ui";

/// The gate of a server that only this machine reaches: a caller with its token may see everything, but not a page of another
/// site that has its name point here.
#[derive(Clone)]
pub struct ThisMachine {
    token: String,
    /// Cookies are sent to every port of a host: each server has its own.
    cookie: String,
}

impl ThisMachine {
    /// The gate of the server at a port. The token is made of letters, digits, `-` and `_`.
    #[must_use]
    pub fn new(token: String, port: u16) -> Self {
        Self { token, cookie: format!("{COOKIE}-{port}") }
    }

    /// Answers the link that holds the token, `/?token=…`, with a cookie and the address without it: so it is in no
    /// bookmark, history or `Referer`.
    pub fn link(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), enter))
    }

    fn is_shown(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let of_cookie = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter_map(|(name, value)| (name == self.cookie).then_some(value));
        of_cookie.chain(text(TOKEN_HEADER)).chain(bearer).any(|token| self.is_token(token))
    }

    fn is_token(&self, token: &str) -> bool {
        self.token.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

impl Gate for ThisMachine {
    type Viewer = ();

    async fn admit(&self, headers: &HeaderMap, _: Option<SocketAddr>) -> Result<(), Refusal> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        if !is_this_machine(host) {
            return Err(Refusal::NotAllowed(format!(
                "this server answers to localhost, 127.0.0.1 and [::1]; it was asked as {host:?}"
            )));
        }
        if !self.is_shown(headers) {
            return Err(Refusal::NotAllowed(
                "open the link that `studious ui` printed: it holds the token of this server. A program shows it as \
                 Studious-Token: <token>"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    fn name((): &()) -> Option<&str> {
        None
    }

    async fn may_get(&self, (): &(), _: &StudyKey) -> Result<bool, Refusal> {
        Ok(true)
    }
}

async fn enter(State(gate): State<ThisMachine>, request: Request, next: Next) -> Response {
    let shown = token_of(request.uri()).filter(|token| gate.is_token(token));
    let cookie = shown.and_then(|token| {
        HeaderValue::try_from(format!("{}={token}; Path=/; HttpOnly; SameSite=Strict", gate.cookie)).ok()
    });
    match cookie {
        Some(cookie) if request.uri().path() == "/" => {
            let there = [(header::SET_COOKIE, cookie), (header::LOCATION, HeaderValue::from_static("/"))];
            (StatusCode::SEE_OTHER, there).into_response()
        }
        _ => next.run(request).await,
    }
}

fn token_of(uri: &Uri) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(uri.query()?).ok()?;
    pairs.into_iter().find_map(|(name, value)| (name == "token").then_some(value))
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => return rest.split_once(']').is_some_and(|(address, _)| address == "::1"),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_merely_point_here_are_refused() {
        for host in ["localhost:8642", "127.0.0.1:8642", "127.0.0.1", "[::1]:8642", "LOCALHOST"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["", "evil.example:8642", "localhost.evil.example", "127.0.0.1.evil.example:80", "[::2]:80"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn the_token_is_shown_in_a_cookie_or_a_header() {
        let gate = ThisMachine::new("secret".into(), 8642);
        let shown = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            gate.is_shown(&headers)
        };
        for (name, value) in [
            ("cookie", "a=b; studious-ui-8642=secret"),
            ("studious-token", "secret"),
            ("authorization", "Bearer secret"),
        ] {
            assert!(shown(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("cookie", "studious-ui-8643=secret"),
            ("cookie", "studious-ui-8642=secret2"),
            ("studious-token", ""),
            ("authorization", "secret"),
        ] {
            assert!(!shown(name, value), "{name}: {value}");
        }
        assert!(!gate.is_shown(&HeaderMap::new()));
    }
}
