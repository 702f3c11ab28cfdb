/** Requests of vendors' own libraries, which the engine answers. */

package io.tollway

import io.tollway.ffi.NativeFetch
import io.tollway.ffi.NativePart
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.serialization.Serializable

/** A request as a vendor's library makes it. */
public class FetchRequest(
    /** The method, such as `POST`. */
    public val method: String,
    /** The address; its path tells the format and the provider, its host is not asked. */
    public val url: String,
    /** The headers, as names and values; keys among them are left out. */
    public val headers: List<Pair<String, String>> = emptyList(),
    /** The body. */
    public val body: ByteArray = ByteArray(0),
)

/**
 * An answer with one reader. Closing it before its end gives the call up, which is then settled by its abandon policy.
 */
public class FetchResponse internal constructor(
    /** The HTTP status. */
    public val status: Int,
    /** The headers, as names and values. */
    public val headers: List<Pair<String, String>>,
    private val native: NativeFetch,
) : AutoCloseable {
    /** The body as it comes, once. A collector that is cancelled or leaves early closes the answer. */
    public val body: Flow<ByteArray> = flow {
        use {
            while (true) {
                when (val part = told { native.next() } ?: break) {
                    is NativePart.Body -> emit(part.bytes)
                    is NativePart.Head -> error("the engine gave the head of an answer twice; report it")
                }
            }
        }
    }

    override fun close() {
        native.cancel()
        native.close()
    }
}

@Serializable
internal class FetchHead(
    val method: String,
    val url: String,
    val headers: List<List<String>>,
    val model: String? = null,
    val options: CallOptions? = null,
)

@Serializable
internal class AnswerHead(val status: Int, val headers: List<List<String>>)
