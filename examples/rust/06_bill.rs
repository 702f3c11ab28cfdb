//! The bill: totals by user and model, a statement of every record, and what the calls would cost at another price.

use tollway::client::{RerateBook, RerateQuery, Tollway};
use tollway::report::SummaryQuery;
use tollway::settings::Settings;
use tollway::types::{
    CallOptions, ChatRequest, Currency, Message, Meter, ModelTerms, PriceDraft, TextMessage, Unit, UsageFilter,
};
use tollway::vault::MasterKey;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let master_key = MasterKey::Text("a passphrase of yours".into());
    let tw = Tollway::open(folder.path().join("app.tollway"), master_key, Settings::default()).await?;
    let (gpt, claude) = ("openai/gpt-4o-mini", "anthropic/claude-haiku-4-5");
    for (name, vendor) in [(gpt, "OPENAI"), (claude, "ANTHROPIC")] {
        let api_key = std::env::var(format!("{vendor}_API_KEY"))
            .map_err(|_| format!("set {vendor}_API_KEY; {vendor}_BASE_URL may name another server"))?;
        let (name, base_url) = (name.into(), std::env::var(format!("{vendor}_BASE_URL")).ok());
        tw.set_model(ModelTerms { name, api_key: Some(api_key.into()), base_url, ..ModelTerms::default() }).await?;
    }
    for (user, model, question) in [
        ("alice", gpt, "Name three rivers."),
        ("alice", claude, "Name three lakes of the north."),
        ("bob", claude, "Name a sea."),
    ] {
        let messages = vec![Message::User(TextMessage { content: question.into(), name: None })];
        let request = ChatRequest { model: Some(model.into()), messages, ..ChatRequest::default() };
        tw.chat(request, CallOptions { user: Some(user.into()), ..CallOptions::default() }).await?;
    }

    let query = SummaryQuery { by: vec!["user".into(), "model".into()], ..SummaryQuery::default() };
    for row in tw.usage_summary(query).await? {
        let group = |key: &str| row.group.get(key).cloned().flatten().unwrap_or_default();
        // Amounts of two currencies are never added: there is a total for each.
        let totals: Vec<String> = row.totals.iter().map(|total| total.to_string()).collect();
        println!("{}, {}: {} call for {}", group("user"), group("model"), row.calls, totals.join(", "));
    }

    println!("\nThe statement:\nday,user,model,input tokens,output tokens,amount,currency");
    for record in tw.usage_records(UsageFilter::default(), None, 100).await?.records {
        let (day, user) = (record.created_at.to_zoned(jiff::tz::TimeZone::UTC).date(), record.user.unwrap_or_default());
        let (input, output) = (record.usage.input_tokens().unwrap_or(0), record.usage.output_tokens().unwrap_or(0));
        let (amount, currency) = (record.cost_amount.ok_or("unpriced")?, record.currency.ok_or("unpriced")?);
        println!("{day},{user},{}/{},{input},{output},{amount},{currency}", record.provider, record.model);
    }

    println!("\nWith output at 6.00 USD a million, and nothing written:");
    let price = PriceDraft::new("6.00".parse()?, Unit::Per1mTokens, Currency::USD);
    tw.set_prices(claude, [(Meter::OutputToken.into(), price.into())].into()).await?;
    let (filter, book) = (UsageFilter::default(), RerateBook::InForceNow);
    let report =
        tw.rerate(RerateQuery { since: jiff::Timestamp::UNIX_EPOCH, until: None, filter, book }, false).await?;
    for line in &report.lines {
        let (new, old) = (line.new_cost.ok_or("unpriced")?, line.old_cost.ok_or("unpriced")?);
        println!("{}: {new} instead of {old} {}", line.model, line.currency.ok_or("unpriced")?);
    }
    println!("difference: {} USD", report.differences.get(Currency::USD).ok_or("none")?);
    Ok(())
}
