//! Who we are at AWS: from variables, profiles, a container's endpoint, or the instance. Secrets are in no text that is made here.
//!
//! Roles to assume, SSO and programs named in a profile are deliberately not here; a profile that asks for one is an error that
//! says so, and nobody becomes somebody else by falling through.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::env;
use crate::http::{Http, Request, SendError};

const ANSWER_BYTES_MAX: u64 = 64 << 10;
const FILE_BYTES_MAX: u64 = 1 << 20;
const REFRESH: Duration = Duration::from_secs(300);
const INSTANCE: &str = "http://169.254.169.254";
const CONTAINER: &str = "http://169.254.170.2";

/// A key and its secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Its name, which is no secret.
    pub access_key_id: String,
    /// Signs.
    pub secret_access_key: String,
    /// Comes with keys that end.
    pub session_token: Option<String>,
    /// When they end.
    pub expires: Option<SystemTime>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let out = &mut f.debug_struct("Credentials");
        out.field("access_key_id", &self.access_key_id).field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// There are no credentials.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Nobody has any.
    #[error("neither variables nor profile nor container nor instance give credentials")]
    None,
    /// A profile is not as it must be.
    #[error("cannot use the profile `{profile}`: {reason}")]
    Profile {
        /// Its name.
        profile: String,
        /// Why not.
        reason: String,
    },
    /// A container's endpoint may not be there.
    #[error("credentials may not be asked for at this address: it is neither HTTPS nor of this machine")]
    Endpoint,
    /// The endpoint of the container or the instance does not give them.
    #[error("cannot get credentials from {from}: {reason}")]
    Answer {
        /// `the instance`.
        from: &'static str,
        /// Why not, without what it answered.
        reason: String,
    },
}

/// Gives credentials.
pub trait CredentialSource: Send + Sync {
    /// Those that hold now.
    fn credentials(&self, now: SystemTime) -> Result<Credentials, CredentialsError>;
    /// AWS says that they ended: the next ones must be others.
    fn forget(&self) {}
}

impl CredentialSource for Credentials {
    fn credentials(&self, _now: SystemTime) -> Result<Credentials, CredentialsError> {
        Ok(self.clone())
    }
}

/// Reads a variable.
pub type Var = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Variables, then profile, then container, then instance; kept until five minutes before their end.
pub struct Chain {
    http: Arc<dyn Http>,
    var: Box<Var>,
    kept: Mutex<Option<Credentials>>,
}

impl Chain {
    /// A chain that reads variables so, and files where these say.
    pub fn new(http: Arc<dyn Http>, var: Box<Var>) -> Self {
        Self { http, var, kept: Mutex::new(None) }
    }

    fn find(&self) -> Result<Credentials, CredentialsError> {
        if let Some(found) = self.of_vars() {
            return Ok(found);
        }
        if let Some(found) = self.of_profile()? {
            return Ok(found);
        }
        if self.var("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            return Err(CredentialsError::Answer {
                from: "a web identity",
                reason: "it is not supported: use EKS Pod Identity, or an instance's role".to_owned(),
            });
        }
        if let Some(found) = self.of_container()? {
            return Ok(found);
        }
        if self.var("AWS_EC2_METADATA_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
            return Err(CredentialsError::None);
        }
        self.of_instance()
    }

    fn var(&self, name: &str) -> Option<String> {
        (self.var)(name).filter(|value| !value.is_empty())
    }

    fn of_vars(&self) -> Option<Credentials> {
        Some(Credentials {
            access_key_id: self.var("AWS_ACCESS_KEY_ID")?,
            secret_access_key: self.var("AWS_SECRET_ACCESS_KEY")?,
            session_token: self.var("AWS_SESSION_TOKEN"),
            expires: None,
        })
    }

    fn of_profile(&self) -> Result<Option<Credentials>, CredentialsError> {
        let named = self.var("AWS_PROFILE");
        let profile = named.clone().unwrap_or_else(|| "default".to_owned());
        let wrong = |reason: &str| CredentialsError::Profile { profile: profile.clone(), reason: reason.to_owned() };
        let mut keys = Vec::new();
        for (var, file, heading) in [
            ("AWS_CONFIG_FILE", "config", format!("profile {profile}")),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials", profile.clone()),
        ] {
            let home = || self.var("HOME").map(|home| format!("{home}/.aws/{file}"));
            let Some(path) = self.var(var).or_else(home) else { continue };
            match std::fs::metadata(&path) {
                Ok(meta) if meta.len() > FILE_BYTES_MAX => return Err(wrong(&format!("`{path}` is too long"))),
                Ok(_) => {
                    let text = std::fs::read_to_string(&path);
                    let text = text.map_err(|err| wrong(&format!("cannot read `{path}`: {}", err.kind())))?;
                    let default = if profile == "default" { "default" } else { heading.as_str() };
                    keys.extend(section(&text, &[heading.as_str(), default]));
                }
                Err(err) if err.kind() == std::io::ErrorKind::NotFound => {}
                Err(err) => return Err(wrong(&format!("cannot read `{path}`: {}", err.kind()))),
            }
        }
        let get = |name: &str| keys.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        if let (Some(access_key_id), Some(secret_access_key)) = (get("aws_access_key_id"), get("aws_secret_access_key"))
        {
            let session_token = get("aws_session_token");
            return Ok(Some(Credentials { access_key_id, secret_access_key, session_token, expires: None }));
        }
        for unknown in ["role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"] {
            if get(unknown).is_some() {
                return Err(wrong(&format!("`{unknown}` is not supported")));
            }
        }
        if named.is_some() { Err(wrong("it has no keys")) } else { Ok(None) }
    }

    fn of_container(&self) -> Result<Option<Credentials>, CredentialsError> {
        let from = "the container";
        let url = match (
            self.var("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            self.var("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ) {
            (Some(path), _) if path.starts_with('/') => format!("{CONTAINER}{path}"),
            (Some(_), _) => return Err(CredentialsError::Endpoint),
            (None, Some(url)) if is_near(&url) => url,
            (None, Some(_)) => return Err(CredentialsError::Endpoint),
            (None, None) => return Ok(None),
        };
        let token = match self.var("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => {
                let token = std::fs::read_to_string(path);
                let reason = |err: std::io::Error| format!("its token cannot be read: {}", err.kind());
                Some(token.map_err(|err| CredentialsError::Answer { from, reason: reason(err) })?.trim().to_owned())
            }
            None => self.var("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        let headers = token.into_iter().map(|token| ("authorization".to_owned(), token)).collect();
        let body = self.ask(from, Request { method: "GET", url, headers, body: Vec::new() })?;
        answer(from, &body).map(Some)
    }

    fn of_instance(&self) -> Result<Credentials, CredentialsError> {
        let from = "the instance";
        let get = |path: &str, token: &str| {
            let headers = vec![("x-aws-ec2-metadata-token".to_owned(), token.to_owned())];
            self.ask(from, Request { method: "GET", url: format!("{INSTANCE}{path}"), headers, body: Vec::new() })
        };
        let headers = vec![("x-aws-ec2-metadata-token-ttl-seconds".to_owned(), "21600".to_owned())];
        let url = format!("{INSTANCE}/latest/api/token");
        let token = self.ask(from, Request { method: "PUT", url, headers, body: Vec::new() })?;
        let token = String::from_utf8_lossy(&token).trim().to_owned();
        let roles = get("/latest/meta-data/iam/security-credentials/", &token)?;
        let roles = String::from_utf8_lossy(&roles).into_owned();
        let role = roles.lines().next().unwrap_or_default().trim();
        if role.is_empty() {
            return Err(CredentialsError::Answer { from, reason: "it has no role".to_owned() });
        }
        let path = format!("/latest/meta-data/iam/security-credentials/{}", crate::sign::encoded(role, ""));
        answer(from, &get(&path, &token)?)
    }

    fn ask(&self, from: &'static str, request: Request) -> Result<Vec<u8>, CredentialsError> {
        let wrong = |reason: String| CredentialsError::Answer { from, reason };
        let response = self.http.send(&request).map_err(|err: SendError| wrong(err.to_string()))?;
        if response.status != 200 {
            return Err(wrong(format!("it answered {}", response.status)));
        }
        response.read(ANSWER_BYTES_MAX).map_err(|err| wrong(err.kind().to_string()))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain").finish_non_exhaustive()
    }
}

impl CredentialSource for Chain {
    fn credentials(&self, now: SystemTime) -> Result<Credentials, CredentialsError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |credentials: &Credentials, more| credentials.expires.is_none_or(|end| now + more < end);
        if let Some(credentials) = kept.as_ref().filter(|credentials| lasts(credentials, REFRESH)) {
            return Ok(credentials.clone());
        }
        match self.find() {
            Ok(found) => Ok(kept.insert(found).clone()),
            // They hold for some minutes more, and the endpoint may be back by then.
            Err(err) => kept.clone().filter(|credentials| lasts(credentials, Duration::ZERO)).ok_or(err),
        }
    }

    fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Whether a container may ask there: a token must not go over the network in the open.
fn is_near(url: &str) -> bool {
    let host = url.strip_prefix("http://").and_then(|rest| rest.split(['/', '?']).next());
    let Some(host) = host else { return url.starts_with("https://") };
    let name = if host.starts_with('[') { host.split(']').next() } else { host.split(':').next() };
    let near = ["127.0.0.1", "localhost", "[::1", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23"];
    near.contains(&name.unwrap_or_default())
}

/// The lines of the sections of these names.
fn section(text: &str, names: &[&str]) -> Vec<(String, String)> {
    let (mut out, mut is_in) = (Vec::new(), false);
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            is_in = names.contains(&name.split_whitespace().collect::<Vec<_>>().join(" ").as_str());
        } else if is_in
            && !trimmed.starts_with(['#', ';'])
            && let Some((key, value)) = trimmed.split_once('=')
        {
            out.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    out
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

fn answer(from: &'static str, body: &[u8]) -> Result<Credentials, CredentialsError> {
    // The parser's own words could quote a secret.
    let wrong = || CredentialsError::Answer { from, reason: "what it answered are no credentials".to_owned() };
    let answer: Answer = serde_json::from_slice(body).map_err(|_| wrong())?;
    let expires = answer.expiration.map(|text| env::parse(&text).ok_or_else(wrong)).transpose()?;
    Ok(Credentials {
        access_key_id: answer.access_key_id,
        secret_access_key: answer.secret_access_key,
        session_token: answer.token,
        expires,
    })
}
