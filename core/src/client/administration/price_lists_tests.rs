use serde_json::json;

use super::*;
use crate::client::ProposalKind;
use crate::client::testing::{Fixture, from_json, per_million};

async fn acme(fixture: &Fixture) {
    let prices = json!({"input_token": per_million("1"), "output_token": per_million("2")});
    let input = json!({"name": "acme/one", "base_url": "https://acme.example/v1", "api_key": "k", "prices": prices});
    fixture.tollway.add_model(from_json(input)).await.unwrap();
}

#[tokio::test]
async fn what_is_exported_is_read_back_as_it_was() {
    let fixture = Fixture::open().await;
    acme(&fixture).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.json");
    let counts = fixture.tollway.export_prices(&path).await.unwrap();
    assert_eq!((counts.offers, counts.prices), (1, 2));
    let list = PriceListFile { strict: true, ..PriceListFile::new(&path, SourceFormat::Tollway) };
    let read = fixture.tollway.read_price_list(list.clone()).await.unwrap();
    assert_eq!(read.book, fixture.tollway.price_book().await.unwrap());
    assert_eq!(
        fixture.tollway.lint_prices(Some(list.clone())).await.unwrap(),
        fixture.tollway.lint_prices(None).await.unwrap()
    );
    let import = fixture.tollway.import_prices(list, false).await.unwrap();
    assert_eq!((import.report.prices, import.update.applied), (2, false));
    assert!(import.update.proposals.iter().all(|proposal| proposal.kind == ProposalKind::Kept), "{import:?}");
}

#[tokio::test]
async fn a_missing_price_list_is_named_in_the_error() {
    let fixture = Fixture::open().await;
    let list = PriceListFile::new("/nowhere/prices.json", SourceFormat::Tollway);
    let error = fixture.tollway.import_prices(list, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.detail().starts_with("/nowhere/prices.json cannot be read"), "{error}");
}
