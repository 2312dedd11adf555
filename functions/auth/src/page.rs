//! Pages for people who followed a mailed link: no script, readable by every browser and reader.

/// Markup as text: nothing in it is read as markup.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Asks to confirm an address; the button posts the token.
pub fn verify(token: &str) -> String {
    let token = escaped(token);
    let body = format!(
        "<p>Press the button to confirm that this e-mail address is yours. You can sign in \
         afterwards.</p>\n\
         <form method=\"post\" action=\"/v1/auth/email/verify\">\n\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\n\
         <button type=\"submit\">Confirm my address</button>\n\
         </form>\n\
         <p>If you did not register, close this page; nothing happens.</p>"
    );
    whole("Confirm your e-mail address", &body)
}

/// Says that the address is confirmed.
pub fn verified() -> String {
    whole("Your address is confirmed", "<p>Thank you. You can close this page and sign in.</p>")
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n\
         <style>\n\
         body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; \
         padding: 0 1rem; color: #1a1a1a; background: #fff; }}\n\
         button {{ font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; \
         color: #fff; background: #14532d; }}\n\
         button:focus-visible {{ outline: 3px solid #1d4ed8; outline-offset: 2px; }}\n\
         </style>\n\
         </head>\n\
         <body>\n\
         <main>\n\
         <h1>{title}</h1>\n\
         {body}\n\
         </main>\n\
         </body>\n\
         </html>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_cannot_leave_its_attribute() {
        let page = verify("\"><script>alert('&')</script>");
        assert!(!page.contains("<script") && !page.contains("value=\"\">"), "{page}");
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;alert(&#39;&amp;&#39;)"), "{page}");
    }

    #[test]
    fn pages_need_no_script_and_load_nothing() {
        for page in [verify("tvl_x"), verified()] {
            for foreign in ["<script", "src=", "http://", "https://", "onclick"] {
                assert!(!page.contains(foreign), "{foreign} in {page}");
            }
        }
    }
}
