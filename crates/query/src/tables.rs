//! What a query reads: datasets by name, each with the columns of its source and the rows behind them.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::datasource::MemTable;
use lake::columns::Columns;

/// The rows of one source, and what they are called.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The source's name: `aws_cloudtrail`.
    pub name: String,
    /// What people call it too: log groups, data sources, tables in SQL.
    pub aliases: Vec<String>,
    /// What its columns hold.
    pub columns: Arc<Columns>,
    /// Its rows.
    pub provider: Arc<dyn TableProvider>,
}

/// Rows that are no log: hits, findings. SQL alone sees them, by the names of their columns.
#[derive(Clone, Debug)]
pub struct PlainTable {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub provider: Arc<dyn TableProvider>,
}

impl Dataset {
    /// A dataset that is also known by the usual names of its source.
    pub fn new(columns: Arc<Columns>, provider: Arc<dyn TableProvider>) -> Dataset {
        let name = columns.mapping.source.to_owned();
        let aliases = usual_names(&name).iter().map(|alias| (*alias).to_owned()).collect();
        Dataset { name, aliases, columns, provider }
    }

    /// Whether it is called so, in any letter case.
    pub fn is_called(&self, name: &str) -> bool {
        self.names().any(|have| have.eq_ignore_ascii_case(name))
    }

    /// Whether one of its names begins so.
    pub fn begins_with(&self, prefix: &str) -> bool {
        self.names().any(|name| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)))
    }

    /// Its name and its aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }
}

/// What the sources we know are called elsewhere: by CloudWatch, by its data sources, by people.
fn usual_names(source: &str) -> &'static [&'static str] {
    match source {
        "aws_cloudtrail" => &["cloudtrail", "aws_cloudtrail.management", "aws_cloudtrail.data"],
        "aws_vpc_flow" => &["vpc", "vpcflow", "vpc_flow", "amazon_vpc.flow"],
        _ => &[],
    }
}

/// The schema that a query sees: text is read as views, so that long values are not copied.
pub fn schema(columns: &Columns) -> SchemaRef {
    with_views(&lake::rows::schema(columns))
}

/// The same, with text as views.
pub(crate) fn with_views(schema: &Schema) -> SchemaRef {
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(view).collect::<Fields>()))
}

/// Rows in memory as a table, in the given order: batches as `lake::rows` makes them.
pub fn in_memory(columns: &Columns, batches: Vec<RecordBatch>) -> Result<Arc<dyn TableProvider>> {
    let schema = schema(columns);
    let views = batches.iter().map(|batch| as_views(batch, &schema)).collect::<Result<Vec<_>>>()?;
    Ok(Arc::new(MemTable::try_new(schema, vec![views])?))
}

fn as_views(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let cast =
        columns.map(|(column, field)| cast(column, field.data_type())).collect::<std::result::Result<Vec<_>, _>>();
    Ok(RecordBatch::try_new(Arc::clone(schema), cast?)?)
}
