//! The arguments of the command.

use clap::{Args, Parser, Subcommand};

/// Prices usage of AI models exactly, and keeps price lists.
#[derive(Debug, Parser)]
#[command(name = "tollway", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prices one usage, or with --jsonl a stream of them.
    Cost(CostArguments),
}

#[derive(Debug, Args)]
pub(crate) struct CostArguments {
    /// Reads one usage with its prices from each line of standard input, and writes one cost for each.
    #[arg(long)]
    pub(crate) jsonl: bool,
}
