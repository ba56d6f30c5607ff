//! The node of a plan that groups texts by what they have in common: all of them in, one batch of patterns out.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, DFSchemaRef, DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, PlanProperties};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::StreamExt as _;

use crate::function::cluster::Clusters;

/// The columns of a pattern: the text, how many there are in each window, their share of the first window, how bad it sounds.
pub(crate) const PATTERN: [&str; 5] = ["pattern", "count", "count before", "ratio", "severity"];

/// Patterns of a plan with two columns: texts, and 0 or 1 for the window that each is of.
pub(crate) fn patterns(input: LogicalPlan) -> Result<LogicalPlan> {
    let schema = Arc::new(DFSchema::try_from(schema())?);
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(Node { input, schema }) }))
}

fn schema() -> SchemaRef {
    let types = [DataType::Utf8View, DataType::Int64, DataType::Int64, DataType::Float64, DataType::Utf8View];
    Arc::new(Schema::new(
        PATTERN.into_iter().zip(types).map(|(name, ty)| Field::new(name, ty, true)).collect::<Vec<_>>(),
    ))
}

#[derive(Debug, PartialEq, Eq)]
struct Node {
    input: LogicalPlan,
    schema: DFSchemaRef,
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.input.hash(state);
    }
}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Node) -> Option<Ordering> {
        self.input.partial_cmp(&other.input)
    }
}

impl UserDefinedLogicalNodeCore for Node {
    fn name(&self) -> &str {
        "Patterns"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patterns")
    }

    fn with_exprs_and_inputs(&self, _exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Node> {
        match <[LogicalPlan; 1]>::try_from(inputs) {
            Ok([input]) => Ok(Node { input, schema: Arc::clone(&self.schema) }),
            Err(inputs) => internal_err!("patterns are of one input and not of {}", inputs.len()),
        }
    }

    fn necessary_children_exprs(&self, _output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        Some(vec![vec![0, 1]])
    }
}

/// Plans the nodes of this file.
#[derive(Debug)]
pub(crate) struct Planner;

#[async_trait]
impl ExtensionPlanner for Planner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical: &[&LogicalPlan],
        physical: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _ctx: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        match (node.as_any().downcast_ref::<Node>(), physical) {
            (Some(_), [input]) => Ok(Some(Arc::new(Exec::new(Arc::clone(input))))),
            _ => Ok(None),
        }
    }
}

#[derive(Debug)]
struct Exec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl Exec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Exec {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Exec { input, properties: Arc::new(properties) }
    }
}

impl DisplayAs for Exec {
    fn fmt_as(&self, _t: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatternsExec")
    }
}

impl ExecutionPlan for Exec {
    fn name(&self) -> &str {
        "PatternsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[Arc<dyn ExecutionPlan>; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Exec::new(input))),
            Err(children) => internal_err!("patterns are of one input and not of {}", children.len()),
        }
    }

    fn execute(&self, partition: usize, ctx: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut input = self.input.execute(partition, ctx)?;
        let patterns = async move {
            let mut clusters = Clusters::default();
            while let Some(batch) = input.next().await {
                add(&mut clusters, &batch?)?;
                tokio::task::yield_now().await;
            }
            finished(clusters)
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema(), futures::stream::once(patterns))))
    }
}

fn add(clusters: &mut Clusters, batch: &RecordBatch) -> Result<()> {
    let [texts, windows] = batch.columns() else { return internal_err!("two columns are due") };
    let (Some(texts), Some(windows)) = (texts.as_string_view_opt(), windows.as_primitive_opt::<Int64Type>()) else {
        return internal_err!("texts and windows are due");
    };
    for (text, window) in texts.iter().zip(windows.iter()) {
        if let (Some(text), Some(window)) = (text, window) {
            clusters.add(text, usize::try_from(window).unwrap_or_default());
        }
    }
    Ok(())
}

fn finished(clusters: Clusters) -> Result<RecordBatch, DataFusionError> {
    let found = clusters.finish();
    let total: u64 = found.iter().map(|cluster| cluster.counts[0]).sum();
    let ratio = |n: u64| if total == 0 { 0.0 } else { (n as f64 / total as f64 * 10_000.0).round() / 10_000.0 };
    let columns: Vec<datafusion::arrow::array::ArrayRef> = vec![
        Arc::new(found.iter().map(|cluster| Some(cluster.template.as_str())).collect::<StringViewArray>()),
        Arc::new(found.iter().map(|cluster| Some(cluster.counts[0] as i64)).collect::<Int64Array>()),
        Arc::new(found.iter().map(|cluster| Some(cluster.counts[1] as i64)).collect::<Int64Array>()),
        Arc::new(found.iter().map(|cluster| Some(ratio(cluster.counts[0]))).collect::<Float64Array>()),
        Arc::new(found.iter().map(|cluster| Some(cluster.severity.label())).collect::<StringViewArray>()),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}
