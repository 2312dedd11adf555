//! A person says who they are, and others see what they may.

use serde_json::json;

use crate::talaria::Talaria;

pub async fn journey(talaria: &Talaria) {
    let ada = talaria.sign_up("ada@example.com").await;
    let bob = talaria.sign_up("bob@example.com").await;
    let profile = talaria.get("/v1/profile").by(&ada).send().await;
    assert_eq!(profile.expect(200).header("etag"), "\"v0\"");

    let name = talaria.patch("/v1/profile", json!({ "display_name": "Ada" })).by(&ada);
    let named = name.if_match("\"v0\"").key("name").send().await;
    assert_eq!(named.expect(200).header("etag"), "\"v1\"");
    let bio = || talaria.patch("/v1/profile", json!({ "bio": "Counts." })).by(&ada);
    let stale = bio().if_match("\"v0\"").send().await;
    assert_eq!(stale.refused(412, "version_conflict").header("etag"), "\"v1\"");
    assert_eq!(bio().send().await.expect(200).json["version"], 2);

    // The keys of two people never meet.
    let name = talaria.patch("/v1/profile", json!({ "display_name": "Bob" })).by(&bob);
    assert_eq!(name.key("name").send().await.expect(200).json["display_name"], "Bob");
    let long = talaria.patch("/v1/profile", json!({ "bio": "" })).by(&bob);
    long.key(&"k".repeat(256)).send().await.refused(400, "idempotency_key_invalid");

    // From the cache, and once that is old, from the table.
    let path = format!("/v1/profiles/{}", ada.user_id);
    for minutes in [0, 2] {
        talaria.minutes_pass(minutes).await;
        let seen = talaria.get(&path).by(&bob).send().await;
        assert_eq!(seen.expect(200).json["display_name"], "Ada");
    }
}
