//! Parquet: the columns as they are kept, under the names of the answer.

use std::io::{self, Write};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Rows;
use crate::kind::Kind;

pub(super) struct Parquet<'w> {
    schema: SchemaRef,
    writer: Option<ArrowWriter<Box<dyn Write + Send + 'w>>>,
}

impl<'w> Parquet<'w> {
    pub(super) fn new(columns: &[(String, Kind)], out: Box<dyn Write + Send + 'w>) -> io::Result<Parquet<'w>> {
        let fields: Fields = columns.iter().map(|(name, kind)| Field::new(name, kept(*kind), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(Default::default())).build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(io::Error::other)?;
        Ok(Parquet { schema, writer: Some(writer) })
    }
}

/// Views are our own way of holding text; other readers know plain text.
fn kept(kind: Kind) -> DataType {
    match kind {
        Kind::Text | Kind::Json => DataType::Utf8,
        other => other.arrow(),
    }
}

impl Rows for Parquet<'_> {
    fn rows(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(io::Error::other)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(io::Error::other)?;
        match &mut self.writer {
            Some(writer) => writer.write(&batch).map_err(io::Error::other),
            None => Err(io::Error::other("the file is ended")),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        match self.writer.take() {
            Some(writer) => writer.into_inner().map_err(io::Error::other)?.flush(),
            None => Ok(()),
        }
    }
}
