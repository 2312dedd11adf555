//! The platform tells the truth about itself.

use serde_json::Value;

use crate::talaria::Talaria;

#[tokio::test]
async fn strangers_learn_one_word_and_operators_everything() {
    let talaria = Talaria::start().await;
    talaria
        .platform
        .invoke("gateway.health_probe", serde_json::json!({}))
        .await
        .expect("the probe runs");
    let stranger = talaria.get("/v1/gateway/health").send().await;
    assert_eq!(stranger.expect(200).json, serde_json::json!({ "status": "ok" }));
    let broken = talaria.get("/v1/gateway/health").header("authorization", "Bearer x").send().await;
    assert_eq!(broken.expect(200).json, stranger.json, "a bad credential counts as none");

    let owner = talaria.platform_owner().await;
    let whole = talaria.get("/v1/gateway/health").bearer(&owner).send().await;
    let modules = whole.expect(200).json["modules"].as_array().map(Vec::len);
    assert_eq!(modules, Some(catalog::modules().len()));
    assert!(whole.json["modules"][0]["checked_at"].is_string(), "{}", whole.text);
}

#[tokio::test]
async fn the_registry_lists_what_the_module_tables_say() {
    let talaria = Talaria::start().await;
    let owner = talaria.platform_owner().await;
    let listed = talaria.get("/api/gateway/modules").bearer(&owner).send().await;
    let listed = listed.expect(200).json["data"].clone();
    for module in catalog::modules() {
        let found = listed.as_array().unwrap().iter().find(|one| one["name"] == module.name);
        let found = found.unwrap_or_else(|| panic!("{} is not listed", module.name));
        let routes = module.rows.iter().filter(|row| row.http().is_some()).count();
        assert!(found["routes"].as_array().unwrap().len() >= routes, "{found}");
        let alone = talaria.get(&format!("/v1/gateway/modules/{}", module.name)).bearer(&owner);
        assert_eq!(alone.send().await.expect(200).json["name"], module.name);
    }
    let unknown = talaria.get("/v1/gateway/modules/spaceship").bearer(&owner).send().await;
    unknown.refused(404, "not_found");
}

#[tokio::test]
async fn documents_are_public_and_cacheable() {
    let talaria = Talaria::start().await;
    let status = talaria.get("/v1/gateway/status").send().await;
    assert_eq!(status.expect(200).json["status"], "ok");

    let api = talaria.get("/v1/openapi.json").send().await;
    assert!(api.expect(200).json["openapi"].as_str().is_some_and(|one| one.starts_with("3.1.")));
    let tag = api.header("etag").to_owned();
    let unchanged = talaria.get("/v1/openapi.json").header("if-none-match", &tag).send().await;
    assert_eq!((unchanged.expect(304).text.as_str(), unchanged.header("etag")), ("", tag.as_str()));

    let jwks = talaria.get("/.well-known/jwks.json").send().await;
    let keys = jwks.expect(200).json["keys"].as_array().cloned().unwrap_or_default();
    assert_eq!(keys.len(), 2, "a current and a next key");
    assert!(keys.iter().all(|key| key.get("d").is_none() && key["alg"] == "ES256"), "{keys:?}");

    let provider = talaria.get("/.well-known/openid-configuration").send().await;
    let provider = provider.expect(200).json.clone();
    let issuer = provider["issuer"].as_str().unwrap();
    assert_eq!(provider["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    assert!(provider.as_object().unwrap().values().all(|value| *value != Value::Null));
}
