//! One exported file.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaDataReader, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use sha2::{Digest, Sha256};

use super::ExportError;
use super::shape::Shape;

/// Rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// What Security Lake asks for: no more in a row group, packed, and in a page, unpacked.
const GROUP_BYTES: usize = 256 << 20;
const PAGE_BYTES: usize = 1 << 20;
/// A file is written once and read often.
const LEVEL: i32 = 6;
/// The name until it is whole. Nothing else in the folder is called so, since names are hashes.
const UNFINISHED: &str = "unfinished";

/// A file that is being written.
pub(super) struct Writer {
    folder: PathBuf,
    path: PathBuf,
    /// Of what tells its rows from all others.
    hash: Sha256,
    inner: ArrowWriter<BufWriter<File>>,
}

impl Writer {
    pub(super) fn create(folder: &Path, shape: &Shape) -> Result<Writer, ExportError> {
        let path = folder.join(UNFINISHED);
        let failed = |err| ExportError::Write { path: path.clone(), err };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let file = BufWriter::new(File::create(&path).map_err(failed)?);
        let unwritable = |err| ExportError::Parquet { path: path.clone(), err };
        let options = ArrowWriterOptions::new()
            .with_properties(properties(shape).map_err(unwritable)?)
            .with_skip_arrow_metadata(true);
        let inner = ArrowWriter::try_new_with_options(file, Arc::clone(&shape.schema), options).map_err(unwritable)?;
        Ok(Writer { folder: folder.to_owned(), path, hash: Sha256::new(), inner })
    }

    pub(super) fn write(&mut self, identities: &[[u8; 16]], events: &RecordBatch) -> Result<(), ExportError> {
        identities.iter().for_each(|identity| self.hash.update(identity));
        self.inner.write(events).map_err(|err| ExportError::Parquet { path: self.path.clone(), err })
    }

    /// Ends the file, and gives how many rows and bytes it has on the disk.
    pub(super) fn finish(self) -> Result<(u64, u64), ExportError> {
        let Writer { folder, path, hash, inner } = self;
        let unwritable = |err| ExportError::Parquet { path: path.clone(), err };
        let failed = |err: std::io::Error| ExportError::Write { path: path.clone(), err };
        let file = inner.into_inner().map_err(unwritable)?;
        let file = file.into_inner().map_err(|err| failed(err.into_error()))?;
        file.sync_all().map_err(failed)?;
        let name: String = hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let whole = folder.join(format!("{name}.parquet"));
        std::fs::rename(&path, &whole).map_err(failed)?;
        let file = File::open(&whole).map_err(failed)?;
        let footer = ParquetMetaDataReader::new().parse_and_finish(&file).map_err(unwritable)?;
        let rows = u64::try_from(footer.file_metadata().num_rows())
            .map_err(|_| unwritable(ParquetError::General("a file of less than no rows".to_owned())))?;
        Ok((rows, file.metadata().map_err(failed)?.len()))
    }
}

fn properties(shape: &Shape) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_created_by(concat!("skywarden ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        // The writer looks at the limit after each batch of values, which may itself be as large.
        .set_data_page_size_limit(PAGE_BYTES / 2)
        .set_dictionary_page_size_limit(PAGE_BYTES / 2);
    for name in ["time", "time_dt"] {
        let path = ColumnPath::new(vec![name.to_owned()]);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
    }
    properties = properties.set_column_dictionary_enabled(ColumnPath::new(vec!["raw_data".to_owned()]), false);
    if let Some(time) = leaf(shape, "time") {
        properties = properties.set_sorting_columns(Some(vec![SortingColumn {
            column_idx: time,
            descending: false,
            nulls_first: true,
        }]));
    }
    Ok(properties.build())
}

/// The number of a plain column among the Parquet columns: objects before it have one for each leaf.
fn leaf(shape: &Shape, name: &str) -> Option<i32> {
    use arrow::datatypes::DataType;
    fn leaves(ty: &DataType) -> usize {
        match ty {
            DataType::Struct(fields) => fields.iter().map(|field| leaves(field.data_type())).sum(),
            DataType::List(inner) | DataType::Map(inner, _) => leaves(inner.data_type()),
            _ => 1,
        }
    }
    let (at, _) = shape.schema.column_with_name(name)?;
    i32::try_from(shape.schema.fields().iter().take(at).map(|field| leaves(field.data_type())).sum::<usize>()).ok()
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use serde_json::json;

    use super::*;

    /// What a page takes beside the values in it.
    const OVERHEAD: usize = 64;
    /// Some values are longer than a page may be.
    const LONG_BYTES: usize = 1_500_000;

    #[test]
    fn pages_stay_below_what_security_lake_takes() {
        let folder = std::env::temp_dir().join(format!("skywarden-export-{}", std::process::id()));
        let mapping = source::source::ALL[0].mapping;
        let shape = Shape::new(mapping, 6003);
        let mut writer = Writer::create(&folder, &shape).expect("a file is begun");
        let texts: Vec<String> =
            (0..200).map(|n| format!("{n:05}").repeat(if n % 50 == 0 { LONG_BYTES / 5 } else { 20_000 })).collect();
        for rows in texts.chunks(50) {
            let events: Vec<_> = rows.iter().map(|raw| json!({"class_uid": 6003, "raw_data": raw})).collect();
            writer.write(&vec![[7; 16]; rows.len()], &shape.batch(&events)).expect("rows are written");
        }
        let (rows, _) = writer.finish().expect("the file is ended");
        let names: Vec<_> =
            std::fs::read_dir(&folder).expect("the folder is there").map(|e| e.expect("a name").path()).collect();
        let [name] = names.as_slice() else { panic!("{names:?}") };
        let reader = SerializedFileReader::new(File::open(name).expect("the file is there")).expect("it is Parquet");
        let (mut n_values, mut n_pages, mut largest) = (0, 0, 0);
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).expect("a row group");
            let raw = shape.schema.fields().len() - 1;
            assert_eq!(shape.schema.field(raw).name(), "raw_data");
            let last = group.num_columns() - 1;
            for page in group.get_column_page_reader(last).expect("its pages").map(|page| page.expect("a page")) {
                (n_pages, n_values) = (n_pages + 1, n_values + page.num_values());
                // A value that is itself longer is in a page that is.
                if page.buffer().len() < LONG_BYTES {
                    largest = largest.max(page.buffer().len());
                }
            }
        }
        std::fs::remove_dir_all(&folder).expect("the folder is removed");
        assert_eq!((rows, n_values), (200, 200));
        assert!(
            n_pages > 20 && largest > PAGE_BYTES / 2 && largest <= PAGE_BYTES + OVERHEAD,
            "{n_pages} pages, {largest} bytes"
        );
    }
}
