//! The AWS services that are called: how their records look, and their calls, a file a family.

// Tables, in which a row is a line.
#[rustfmt::skip]
mod compute;
#[rustfmt::skip]
mod data;
#[rustfmt::skip]
mod identity;
#[rustfmt::skip]
mod messaging;
#[rustfmt::skip]
mod network;
#[rustfmt::skip]
mod operations;
#[rustfmt::skip]
mod security;

/// What a call does, and whether it is about resources or about what they hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    DataRead,
    DataWrite,
}

impl Access {
    pub fn reads(self) -> bool {
        matches!(self, Access::Read | Access::DataRead)
    }
}

/// The form of `requestID`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum RequestId {
    Uuid,
    Short,
    None,
}

/// One operation, with templates of what is asked and answered.
#[derive(Clone)]
pub struct Call {
    pub name: &'static str,
    pub access: Access,
    pub request: &'static str,
    pub response: &'static str,
    pub resources: &'static str,
    pub additional: &'static str,
    /// The service that makes this call on the caller's behalf.
    pub via: &'static str,
}

/// One service.
pub struct Service {
    pub source: &'static str,
    pub host: &'static str,
    pub version: &'static str,
    pub home: Home,
    pub request_id: RequestId,
    pub event_type: &'static str,
    pub additional: &'static str,
    pub failures: &'static [(&'static str, &'static str)],
    pub calls: &'static [Call],
}

/// Where a service keeps its log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Home {
    Regional,
    /// Logged in us-east-1 wherever the caller is.
    Global,
}

/// Every service, by family.
pub const ALL: &[&[Service]] =
    &[compute::ALL, data::ALL, identity::ALL, messaging::ALL, network::ALL, operations::ALL, security::ALL];

/// The service whose source begins with this name.
pub fn find(name: &str) -> Option<&'static Service> {
    ALL.iter().copied().flatten().find(|service| service.source.split('.').next() == Some(name))
}

/// The call written `ec2:DescribeInstances`.
pub fn find_call(text: &str) -> Option<(&'static Service, &'static Call)> {
    let (name, call) = text.split_once(':')?;
    let service = find(name)?;
    Some((service, service.calls.iter().find(|c| c.name == call)?))
}

/// A call that reads; most answer nothing in the log.
pub const fn read(name: &'static str, request: &'static str) -> Call {
    Call { name, access: Access::Read, request, response: "null", resources: "", additional: "", via: "" }
}

/// A call that changes something.
pub const fn write(name: &'static str, request: &'static str, response: &'static str) -> Call {
    Call { name, access: Access::Write, request, response, resources: "", additional: "", via: "" }
}

impl Call {
    pub const fn on(mut self, resources: &'static str) -> Call {
        self.resources = resources;
        self
    }

    pub const fn via(mut self, service: &'static str) -> Call {
        self.via = service;
        self
    }

    pub const fn gets(mut self, response: &'static str) -> Call {
        self.response = response;
        self
    }

    pub const fn adds(mut self, additional: &'static str) -> Call {
        self.additional = additional;
        self
    }

    /// About what a resource holds: a data event.
    pub const fn data(mut self) -> Call {
        self.access = match self.access {
            Access::Read => Access::DataRead,
            _ => Access::DataWrite,
        };
        self
    }
}

const fn service(source: &'static str, host: &'static str, calls: &'static [Call]) -> Service {
    Service {
        source,
        host,
        version: "1.11",
        home: Home::Regional,
        request_id: RequestId::Uuid,
        event_type: "AwsApiCall",
        additional: "",
        failures: JSON_FAILURES,
        calls,
    }
}

impl Service {
    const fn version(mut self, version: &'static str) -> Service {
        self.version = version;
        self
    }

    const fn global(mut self) -> Service {
        self.home = Home::Global;
        self
    }

    const fn fails(mut self, failures: &'static [(&'static str, &'static str)]) -> Service {
        self.failures = failures;
        self
    }
}

const JSON_FAILURES: &[(&str, &str)] = &[
    ("ThrottlingException", "Rate exceeded"),
    (
        "AccessDeniedException",
        "User: $arn is not authorized to perform this action because no identity-based policy allows it",
    ),
    ("ResourceNotFoundException", "Requested resource not found"),
    ("ThrottlingException", "Rate exceeded"),
];
