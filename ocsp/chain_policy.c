#include "chain.h"

#include <string.h>

#include <openssl/objects.h>
#include <openssl/x509v3.h>

/* Bytes of one dotted OID; a longer one is nobody's configured policy. */
enum { POLICY_OID_SIZE = 256 };

static const char any_policy[] = "2.5.29.32.0";

static enum cm_reason
add_policy(X509_VERIFY_PARAM *param, const char *oid, struct cm_detail *detail)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

    if (object == NULL) {
        cm_detail_set(detail, "\"%s\" is not a policy", oid);
        return CM_PATH_UNTRUSTED;
    }
    if (X509_VERIFY_PARAM_add0_policy(param, object) != 1) {
        ASN1_OBJECT_free(object);
        return CM_NO_MEMORY;
    }
    return CM_OK;
}

enum cm_reason
cm_chain_demand_policies(X509_STORE_CTX *ctx,
                         const struct cm_path_rules *rules,
                         struct cm_detail *detail)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    const struct cm_text_list *initial = rules->initial_policies;
    unsigned long flags = X509_V_FLAG_POLICY_CHECK;
    enum cm_reason reason = CM_OK;

    if (rules->explicit_policy)
        flags |= X509_V_FLAG_EXPLICIT_POLICY;
    if (rules->inhibit_policy_mapping)
        flags |= X509_V_FLAG_INHIBIT_MAP;
    if (rules->inhibit_any_policy)
        flags |= X509_V_FLAG_INHIBIT_ANY;
    X509_VERIFY_PARAM_set_flags(param, flags);
    /* An empty set means no policy at all to OpenSSL, not any. */
    if (initial == NULL || initial->count == 0)
        return add_policy(param, any_policy, detail);
    for (size_t i = 0; reason == CM_OK && i < initial->count; i++)
        reason = add_policy(param, initial->items[i], detail);
    return reason;
}

static bool
add_node(const X509_POLICY_NODE *node, struct cm_text_list *out)
{
    const ASN1_OBJECT *object = X509_policy_node_get0_policy(node);
    char oid[POLICY_OID_SIZE];
    int len;

    len = OBJ_obj2txt(oid, sizeof(oid), object, 1);
    if (len <= 0 || (size_t)len >= sizeof(oid) ||
        strcmp(oid, any_policy) == 0 || cm_text_list_has(out, oid))
        return true;
    return cm_text_list_add(out, oid);
}

bool
cm_chain_valid_policies(X509_STORE_CTX *ctx, struct cm_text_list *out)
{
    const X509_POLICY_TREE *tree = X509_STORE_CTX_get0_policy_tree(ctx);
    const STACK_OF(X509_POLICY_NODE) * nodes;

    memset(out, 0, sizeof(*out));
    if (tree == NULL)
        return true;
    nodes = X509_policy_tree_get0_user_policies(tree);
    for (int i = 0; i < sk_X509_POLICY_NODE_num(nodes); i++) {
        if (!add_node(sk_X509_POLICY_NODE_value(nodes, i), out)) {
            cm_text_list_clear(out);
            return false;
        }
    }
    return true;
}
