//! Rows out, batch by batch, for what is not a query: replays, folds, the quarantine.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{Field, Fields, Schema, SchemaRef};
use futures::StreamExt;

use crate::error::{FileError, ReadError};
use crate::file::{self, Batches};
use crate::lake::Shared;
use crate::snapshot::{LakeFile, Snapshot};

/// Rows of one batch.
const BATCH_ROWS: usize = 8_192;

/// The rows of some files, in the order of the files.
pub struct Scan {
    shared: Arc<Shared>,
    files: std::vec::IntoIter<LakeFile>,
    schema: SchemaRef,
    open: Option<(LakeFile, Batches)>,
}

impl Snapshot {
    /// The rows of these files, with these columns in this order. A column that a file lacks is null there.
    ///
    /// # Errors
    /// When the table has no such column, or a foreign engine has added one of a type that has no place here.
    pub fn scan(&self, files: Vec<LakeFile>, columns: &[&str]) -> Result<Scan, ReadError> {
        let def = self.def()?;
        let missing =
            |name: &str| ReadError::Unsupported { table: self.table.clone(), what: format!("no column `{name}`") };
        let field = |name: &&str| {
            let column = def.column(name).ok_or_else(|| missing(name))?;
            Ok(Field::new(&column.name, column.ty.arrow(), true))
        };
        let fields = columns.iter().map(field).collect::<Result<Fields, ReadError>>()?;
        let (shared, schema) = (Arc::clone(&self.shared), Arc::new(Schema::new(fields)));
        Ok(Scan { shared, files: files.into_iter(), schema, open: None })
    }
}

impl Iterator for Scan {
    type Item = Result<RecordBatch, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((of, batches)) = &mut self.open {
                match self.shared.store.wait(batches.next()) {
                    Some(Ok(batch)) => return Some(arrange(&batch, &self.schema, &of.location)),
                    Some(Err(err)) => return Some(Err(file::unreadable(&of.entry, err))),
                    None => self.open = None,
                }
            }
            let of = self.files.next()?;
            let names: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
            let store = &self.shared.store;
            match store.wait(file::open(store, &of.entry, Some(&names), BATCH_ROWS)) {
                Ok(batches) => self.open = Some((of, batches)),
                Err(err) => return Some(Err(err)),
            }
        }
    }
}

fn arrange(batch: &RecordBatch, schema: &SchemaRef, location: &str) -> Result<RecordBatch, FileError> {
    let failed = |err| FileError::Arrange { location: location.to_owned(), err };
    let column = |field: &Arc<Field>| -> Result<ArrayRef, FileError> {
        let Some(column) = batch.column_by_name(field.name()) else {
            return Ok(new_null_array(field.data_type(), batch.num_rows()));
        };
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        // Another engine's writer may have chosen large or view types.
        arrow::compute::cast(column, field.data_type()).map_err(failed)
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(failed)
}
