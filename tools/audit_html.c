/*
 * The page of certmap audit --html: one file that needs nothing else, and is
 * allowed nothing else: its policy lets in its own style, by hash, and neither
 * script nor image nor request.
 */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "audit_command.h"
#include "timetext.h"

static const char style[] =
    ":root{--ink:#1d232b;--dim:#5a6572;--paper:#fff;--card:#f4f6f8;"
    "--line:#d5dbe1;--good:#2b7a4b;--warning:#b26a00;--error:#b3261e;"
    "--note:#6b7785}\n"
    "@media (prefers-color-scheme:dark){:root{--ink:#e8ebef;--dim:#a3adb8;"
    "--paper:#14181d;--card:#1e242b;--line:#39424c;--good:#58b981;"
    "--warning:#e0a046;--error:#f0766d;--note:#8d99a6}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:72rem;padding:1.5rem;color:var(--ink);"
    "background:var(--paper);font:16px/1.45 system-ui,sans-serif}\n"
    "h1{font-size:1.6rem;margin:0}h2{margin:2.5rem 0 .5rem}"
    "h3{margin:2rem 0 .3rem;font-size:1.05rem}\n"
    "p{margin:.3rem 0}.dim{color:var(--dim)}\n"
    ".tiles{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0;padding:0;"
    "list-style:none}\n"
    ".tiles li{flex:1 1 8rem;background:var(--card);border-radius:.5rem;"
    "padding:.7rem 1rem}\n"
    ".tiles b{display:block;font-size:1.7rem;line-height:1.2}\n"
    ".charts{display:grid;grid-template-columns:repeat(auto-fit,"
    "minmax(min(26rem,100%),1fr));gap:1rem}\n"
    ".stack{display:flex;flex-direction:column;gap:1rem;min-width:0}"
    ".stack figure:last-child{flex:1}\n"
    "figure{margin:0;background:var(--card);border-radius:.5rem;padding:1rem;"
    "min-width:0;break-inside:avoid}figure.wide{grid-column:1/-1}\n"
    "figcaption{font-weight:600;margin-bottom:.6rem}\n"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;font-weight:normal}\n"
    ".chart th{padding:.15rem .6rem .15rem 0;overflow-wrap:anywhere;"
    "max-width:22rem}.chart .n{text-align:right;padding-right:.6rem;"
    "font-variant-numeric:tabular-nums}.chart .b{width:45%;"
    "padding-top:.35rem}\n"
    "svg{display:block}.columns{width:100%;height:auto}"
    ".columns text{fill:var(--ink);font:12px system-ui,sans-serif;"
    "text-anchor:middle}.columns .l{fill:var(--dim);font-size:11px}\n"
    ".t{fill:var(--line)}.good{fill:var(--good)}.warning{fill:var(--warning)}"
    ".error{fill:var(--error)}.note{fill:var(--note)}\n"
    ".tag{font-size:.8rem;padding:.1rem .5rem;border-radius:1rem;"
    "border:1px solid;margin-left:.4rem}.tag.error{color:var(--error)}"
    ".tag.warning{color:var(--warning)}.tag.note{color:var(--note)}\n"
    ".list{table-layout:fixed}.list th,.list td{padding:.35rem .6rem .35rem 0;"
    "border-top:1px solid var(--line);overflow-wrap:anywhere;"
    "font-size:.9rem}.list thead th{color:var(--dim);border:0}\n"
    "code{font:.85rem/1.4 ui-monospace,monospace}"
    ".banner{border:2px solid var(--error);color:var(--error);"
    "border-radius:.5rem;padding:.7rem 1rem;margin:1rem 0}\n"
    "@media print{body{max-width:none;padding:0;font-size:11px;"
    "-webkit-print-color-adjust:exact;print-color-adjust:exact}"
    "tr{break-inside:avoid}}\n";

static void
put_policy(FILE *page)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char text[64];

    (void)SHA256((const uint8_t *)style, sizeof(style) - 1, digest);
    (void)EVP_EncodeBlock((uint8_t *)text, digest, sizeof(digest));
    fprintf(page,
            "<meta http-equiv=\"Content-Security-Policy\" "
            "content=\"default-src 'none'; style-src 'sha256-%s'; base-uri "
            "'none'; form-action 'none'\">\n",
            text);
}

static void
put_tile(FILE *page, const char *name, uint64_t count, const char *label)
{
    fprintf(page, "<li data-tile=\"%s\"><b>%llu</b>%s</li>\n", name,
            (unsigned long long)count, label);
}

static void
put_tiles(const struct cm_audit *audit, FILE *page)
{
    const struct cm_audit_findings *found = &audit->findings;
    uint64_t errors = cm_audit_findings_count(found, CM_AUDIT_IS_ERROR);
    uint64_t warnings =
        cm_audit_findings_count(found, CM_AUDIT_IS_WARNING) - errors;

    fputs("<ul class=\"tiles\">\n", page);
    put_tile(page, "accounts", audit->counts.accounts, "accounts read");
    put_tile(page, "values", audit->counts.values, "mapping values");
    put_tile(page, "errors", errors, "errors");
    put_tile(page, "warnings", warnings, "warnings");
    put_tile(page, "certificates", audit->counts.certificates,
             "mapped certificates known");
    fputs("</ul>\n", page);
}

static void
put_banners(const struct cm_audit *audit, FILE *page)
{
    if (!audit->whole) {
        fputs("<p class=\"banner\" role=\"alert\">Incomplete: not all "
              "accounts could be read. ",
              page);
        cm_audit_html_text(page, audit->why.text);
        fputs("</p>\n", page);
    }
    if (audit->world.unbelieved > 0) {
        fprintf(page,
                "<p class=\"banner\" role=\"alert\">Of %llu certificates it "
                "cannot be told whether they are revoked. ",
                (unsigned long long)audit->world.unbelieved);
        cm_audit_html_text(page, audit->world.unbelieved_why.text);
        fputs("</p>\n", page);
    }
}

void
cm_audit_html_begin(const struct cm_audit *audit, FILE *page)
{
    char when[CM_TIME_TEXT];

    cm_time_text(audit->now, when);
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
          "charset=\"utf-8\">\n",
          page);
    put_policy(page);
    fputs("<meta name=\"viewport\" content=\"width=device-width\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Card "
          "mappings of ",
          page);
    cm_audit_html_text(page, audit->target.realm);
    fprintf(page,
            "</title>\n<style>%s</style></head>\n<body><header><h1>Card "
            "mappings of ",
            style);
    cm_audit_html_text(page, audit->target.realm);
    fprintf(page,
            "</h1><p class=\"dim\">certmap audit, <time>%s</time>"
            "</p></header>\n<main>\n",
            when);
    put_banners(audit, page);
    put_tiles(audit, page);
    cm_audit_charts(audit, page);
    fputs("<h2>Findings</h2>\n", page);
    if (cm_audit_findings_count(&audit->findings, CM_AUDIT_IS_NOTE) == 0)
        fputs("<p>None.</p>\n", page);
}

static void
begin_kind(const struct cm_audit *audit, FILE *page, enum cm_audit_kind kind)
{
    const char *severity = cm_audit_severity_token(cm_audit_severity(kind));

    fprintf(page,
            "<section><h3 id=\"%s\">%s <span class=\"tag %s\">%s</span></h3>"
            "<p class=\"dim\">%llu: %s.</p>\n"
            "<table class=\"list\"><thead><tr><th scope=\"col\">Account</th>"
            "<th scope=\"col\">Value</th></tr></thead><tbody>\n",
            cm_audit_token(kind), cm_audit_token(kind), severity, severity,
            (unsigned long long)audit->findings.counts[kind],
            cm_audit_meaning(kind));
}

void
cm_audit_html_finding(const struct cm_audit *audit, FILE *page,
                      const struct cm_audit_finding *one, bool first)
{
    if (first)
        begin_kind(audit, page, one->kind);
    fprintf(page, "<tr data-kind=\"%s\"><th scope=\"row\">",
            cm_audit_token(one->kind));
    if (one->account != NULL)
        cm_audit_html_text(page, one->account);
    fputs("</th><td>", page);
    if (one->value != NULL) {
        fputs("<code>", page);
        cm_audit_html_text(page, one->value);
        fputs("</code>", page);
    }
    if (one->detail != NULL) {
        fputs("<div class=\"dim\">", page);
        cm_audit_html_text(page, one->detail);
        fputs("</div>", page);
    }
    if (one->meant != NULL) {
        fputs("<div>probably meant: <code>", page);
        cm_audit_html_text(page, one->meant);
        fputs("</code></div>", page);
    }
    fputs("</td></tr>\n", page);
}

void
cm_audit_html_more(FILE *page, uint64_t more)
{
    fputs("</tbody></table>", page);
    if (more > 0)
        fprintf(page, "<p class=\"dim\">... and %llu more.</p>",
                (unsigned long long)more);
    fputs("</section>\n", page);
}

void
cm_audit_html_end(FILE *page)
{
    fputs("</main></body></html>\n", page);
}
