//! The reference page of a source, made from its mapping.

use super::{Entry, Expr, Kind, Mapping, Type, When};

impl Mapping {
    /// The page, as Markdown.
    pub fn reference(&self) -> String {
        let mut page =
            format!("# {}\n\nSource `{}`. OCSF profiles: {}.\n\n", self.title, self.source, self.profiles.join(", "));
        page.push_str("## OCSF attributes\n\n| attribute | holds | from | when | kind | also called |\n|---|---|---|---|---|---|\n");
        for entry in self.entries {
            page.push_str(&row("", entry));
            if let Expr::Each { entries, .. } = &entry.from {
                page.extend(entries.iter().map(|inner| row(&format!("{}[].", entry.to), inner)));
            }
        }
        page.push_str("\n## Native fields\n\n| field | found in | also called |\n|---|---|---|\n");
        for native in self.natives {
            let found =
                self.resolve(native.path).map_or_else(|err| err.to_string(), |resolution| resolution.at.to_string());
            page.push_str(&format!("| `{}` | {} | {} |\n", native.path, cell(&found), native.alias.join(", ")));
        }
        let open: Vec<String> = self.open.iter().map(|name| format!("`{name}`")).collect();
        if !open.is_empty() {
            page.push_str(&format!("\nKeys under {} are anybody's: spell them as the record does.\n", open.join(", ")));
        }
        page
    }
}

fn row(prefix: &str, entry: &Entry) -> String {
    format!(
        "| `{prefix}{}` | {} | {} | {} | {} | {} |\n",
        entry.to,
        holds(entry.ty),
        cell(&from(&entry.from)),
        cell(&when(entry.when)),
        match entry.kind {
            Kind::Exact => "exact",
            Kind::Derived => "derived",
        },
        entry.alias.join(", ")
    )
}

/// A table cell ends at a bar.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn holds(ty: Type) -> String {
    match ty {
        Type::Text => "text".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Timestamp => "time, with its twin `_dt`".to_owned(),
        Type::Ip => "address".to_owned(),
        Type::Ips => "addresses".to_owned(),
        Type::Port => "port".to_owned(),
        Type::Json => "JSON text".to_owned(),
        Type::Objects => "objects".to_owned(),
        Type::Enum(of) => format!("number, with its caption `{}`", of.sibling),
        Type::Class => "class, with its category".to_owned(),
        Type::Activity => "activity, with its type".to_owned(),
    }
}

fn when(when: When) -> String {
    match when {
        When::Always => String::new(),
        When::Class(uids) => format!("class {}", uids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")),
        When::Has(path) => format!("`{path}` is there"),
        When::Without(targets) => format!("nothing in {}", code_list(targets)),
        When::Is(name, _) | When::IsIn(_, name, _) => name.to_owned(),
    }
}

fn from(expr: &Expr) -> String {
    match expr {
        Expr::Path(path) => format!("`{path}`"),
        Expr::FirstOf(each) => each.iter().map(from).collect::<Vec<_>>().join(", else "),
        Expr::Const(text) => format!("\"{text}\""),
        Expr::Table { of, rows } => {
            let rows: Vec<String> = rows.iter().map(|(native, caption)| format!("{native} is {caption}")).collect();
            format!("`{of}`: {}", rows.join("; "))
        }
        Expr::Each { of, .. } => format!("each of `{of}`"),
        Expr::Split { of, by, part } => format!("part {} of `{of}` between `{by}`", part + 1),
        Expr::Function { name, reads: [], .. } => (*name).to_owned(),
        Expr::Function { name, reads, .. } => format!("{name} ({})", code_list(reads)),
    }
}

fn code_list(paths: &[&str]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}
