/** What all errors share. */

package io.tollway

import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** Stands for every error of Tollway: one class for each kind, which says what the caller must do. */
public sealed class TollwayException(internal val info: ErrorInfo) : Exception("${info.code}: ${info.detail}") {
    /** The kind. Its code is stable. */
    public val kind: ErrorKind = info.kind

    /** What was wrong and what to do, in a sentence for people. */
    public val detail: String = info.detail

    /** The provider of the failed attempt. */
    public val provider: String? = info.provider

    /** The model of the failed attempt, without its provider. */
    public val model: String? = info.model

    /** The HTTP status of the provider's answer. */
    public val status: Int? = info.status

    /** How long to wait before a retry. */
    public val retryAfter: Duration? = info.retryAfter?.seconds

    /** The provider's id of the request. */
    public val requestId: String? = info.requestId

    /** The provider's own error code or type. */
    public val providerCode: String? = info.providerCode

    /** Whether the same call, sent again, may succeed. */
    public val isRetryable: Boolean = info.retryable

    /** The attempts of a call that failed, in order; none of what is no call. */
    public val attempts: List<FailedAttempt> = info.attempts

    /** What the budget had that refused the call. */
    public val budget: BudgetRefusal? = info.budget

    /** The argument that is wrong, as its path such as `prices.input_token.unit`. */
    public val field: String? = info.field
}

/** One attempt of a call that failed. */
@Serializable
public data class FailedAttempt(
    /** The model that was tried, as `provider/model`. */
    public val model: String,
    /** How it ended: `failed`, `timeout`, `cancelled`, `partial`, or `not_sent` where nothing was sent. */
    public val outcome: String,
    /** The stable code of its error. */
    @SerialName("error_code")
    public val errorCode: String,
    /** The HTTP status of the provider's answer. */
    public val status: Int?,
    /** The usage record of the attempt; null where nothing was sent. */
    @SerialName("record_uid")
    public val recordUid: String?,
)

/** What a budget that refused a call had, and what the call asked of it. Amounts are of what the budget counts. */
@Serializable
public data class BudgetRefusal(
    /** The budget. */
    @SerialName("budget_id")
    public val budgetId: Long,
    /** What may be used in its window. */
    public val limit: ExactDecimal,
    /** What was used in it. */
    public val settled: ExactDecimal,
    /** What calls under way hold. */
    public val reserved: ExactDecimal,
    /** What the call asked to hold. */
    public val asked: ExactDecimal,
    /** The currency; null where the budget counts no money. */
    public val currency: String?,
    /** What it counts where that is neither money nor tokens: `requests`, or a meter. */
    public val meter: String?,
    /** The greatest `maxTokens` with which the same call fits into this budget now, where one is known to. */
    @SerialName("max_tokens")
    public val maxTokens: Long?,
)

/** An error as the engine tells it. */
@Serializable
public class ErrorInfo internal constructor(
    @SerialName("code")
    internal val kind: ErrorKind,
    internal val detail: String,
    internal val provider: String? = null,
    internal val model: String? = null,
    internal val status: Int? = null,
    @SerialName("retry_after")
    internal val retryAfter: Double? = null,
    @SerialName("request_id")
    internal val requestId: String? = null,
    @SerialName("provider_code")
    internal val providerCode: String? = null,
    internal val retryable: Boolean = false,
    internal val attempts: List<FailedAttempt> = emptyList(),
    internal val budget: BudgetRefusal? = null,
    internal val field: String? = null,
) {
    internal val code: String
        get() = ErrorKind.serializer().descriptor.getElementName(kind.ordinal)
}
