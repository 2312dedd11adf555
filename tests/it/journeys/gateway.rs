//! The platform tells the truth about itself.

use http::Method;
use serde_json::json;

use crate::talaria::Talaria;

pub async fn journey(talaria: &Talaria) {
    strangers_learn_one_word_and_operators_everything(talaria).await;
    the_registry_lists_what_the_module_tables_say(talaria).await;
    documents_are_public_and_cacheable(talaria).await;
    what_is_not_there_says_so(talaria).await;
}

async fn strangers_learn_one_word_and_operators_everything(talaria: &Talaria) {
    talaria.minutes_pass(1).await;
    let stranger = talaria.get("/v1/gateway/health").send().await;
    assert_eq!(stranger.expect(200).json, json!({ "status": "ok" }));
    let broken = talaria.get("/v1/gateway/health").by("x").send().await;
    assert_eq!(broken.expect(200).json, stranger.json, "a bad credential counts as none");

    let owner = talaria.platform_owner().await;
    let whole = talaria.get("/v1/gateway/health").by(&owner).send().await;
    let modules = whole.expect(200).json["modules"].as_array().map(Vec::len);
    assert_eq!(modules, Some(catalog::modules().len()));
    assert!(whole.json["modules"][0]["checked_at"].is_string(), "{}", whole.text);
}

async fn the_registry_lists_what_the_module_tables_say(talaria: &Talaria) {
    let owner = talaria.platform_owner().await;
    let listed = talaria.get("/api/gateway/modules").by(&owner).send().await;
    let listed = listed.expect(200).json["data"].clone();
    for module in catalog::modules() {
        let found = listed.as_array().unwrap().iter().find(|one| one["name"] == module.name);
        let found = found.unwrap_or_else(|| panic!("{} is not listed", module.name));
        let routes = module.rows.iter().filter(|row| row.http().is_some()).count();
        assert!(found["routes"].as_array().unwrap().len() >= routes, "{found}");
        let alone = talaria.get(&format!("/v1/gateway/modules/{}", module.name)).by(&owner);
        assert_eq!(alone.send().await.expect(200).json["name"], module.name);
    }
    let unknown = talaria.get("/v1/gateway/modules/spaceship").by(&owner).send().await;
    unknown.refused(404, "not_found");
}

async fn documents_are_public_and_cacheable(talaria: &Talaria) {
    let status = talaria.get("/v1/gateway/status").send().await;
    assert_eq!(status.expect(200).json["status"], "ok");

    let api = talaria.get("/v1/openapi.json").send().await;
    assert!(api.expect(200).text_at("/openapi").starts_with("3.1."));
    let tag = api.header("etag").to_owned();
    let unchanged = talaria.get("/v1/openapi.json").header("if-none-match", &tag).send().await;
    assert_eq!((unchanged.expect(304).text.as_str(), unchanged.header("etag")), ("", tag.as_str()));
}

async fn what_is_not_there_says_so(talaria: &Talaria) {
    talaria.get("/v1/nothing").send().await.refused(404, "route_not_found");
    let answer = talaria.delete("/v1/profile").send().await;
    assert_eq!(answer.refused(405, "method_not_allowed").header("allow"), "GET, PATCH");
    talaria.ask(Method::OPTIONS, "/v1/profile").send().await.expect(204);
}
