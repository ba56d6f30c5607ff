//! Parquet files of the lake, read by ranges.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::FieldRef;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};

use crate::error::FileError;
use crate::snapshot::Entry;
use crate::store::Store;

/// What is read of a file's end at first: the footers of all but the widest files lie in it.
const FOOTER_BYTES: usize = 64 << 10;

/// A file of known size.
#[derive(Clone)]
pub(crate) struct Reader {
    objects: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

/// Batches of a file.
pub(crate) type Batches = ParquetRecordBatchStream<Reader>;

impl Reader {
    fn new(store: &Store, entry: &Entry) -> std::result::Result<Self, FileError> {
        let location = entry.file.file_path();
        let path = store.path(location).map_err(|err| FileError::Store { location: location.to_owned(), err })?;
        Ok(Self { objects: store.objects(), path, size: entry.file.file_size_in_bytes() })
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.objects.get_range(&self.path, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.objects.get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        let size = self.size;
        let reader =
            ParquetMetaDataReader::new().with_arrow_reader_options(options).with_prefetch_hint(Some(FOOTER_BYTES));
        async move { Ok(Arc::new(reader.load_and_finish(self, size).await?)) }.boxed()
    }
}

fn external(err: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(err))
}

/// Opens a file for these columns, or for all.
pub(crate) async fn open(
    store: &Store,
    entry: &Entry,
    columns: Option<&[&str]>,
    batch_rows: usize,
) -> std::result::Result<Batches, FileError> {
    let mut builder =
        ParquetRecordBatchStreamBuilder::new(Reader::new(store, entry)?).await.map_err(|err| unreadable(entry, err))?;
    if let Some(names) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        builder = builder.with_projection(mask);
    }
    builder.with_batch_size(batch_rows).build().map_err(|err| unreadable(entry, err))
}

/// The footer of a file.
pub(crate) async fn footer(store: &Store, entry: &Entry) -> std::result::Result<Arc<ParquetMetaData>, FileError> {
    let mut reader = Reader::new(store, entry)?;
    reader.get_metadata(None).await.map_err(|err| unreadable(entry, err))
}

/// The footer of a file and where its pages are, to open it time and again.
pub(crate) async fn pages(store: &Store, entry: &Entry) -> std::result::Result<ArrowReaderMetadata, FileError> {
    let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
    let mut reader = Reader::new(store, entry)?;
    ArrowReaderMetadata::load_async(&mut reader, options).await.map_err(|err| unreadable(entry, err))
}

/// Opens some rows of a file for those of these columns that it has.
pub(crate) fn open_rows(
    store: &Store,
    entry: &Entry,
    metadata: &ArrowReaderMetadata,
    columns: &[FieldRef],
    rows: Range<usize>,
    batch_rows: usize,
) -> std::result::Result<Batches, FileError> {
    let reader = Reader::new(store, entry)?;
    let mask = ProjectionMask::columns(metadata.parquet_schema(), columns.iter().map(|field| field.name().as_str()));
    ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone())
        .with_projection(mask)
        .with_offset(rows.start)
        .with_limit(rows.len())
        .with_batch_size(batch_rows)
        .build()
        .map_err(|err| unreadable(entry, err))
}

pub(crate) fn unreadable(entry: &Entry, err: ParquetError) -> FileError {
    FileError::Parquet { location: entry.file.file_path().to_owned(), err }
}
