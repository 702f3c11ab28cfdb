/** What the engine logs. */

package io.tollway

import io.tollway.ffi.NativeLogs
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.launch
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonObject

/** A record of what the engine did. */
@Serializable
public data class LogRecord(
    /** When it was made. */
    public val time: ExactInstant,
    /** How grave it is: `error`, `warn`, `info` or `debug`. */
    public val level: String,
    /** What it is about, such as `tollway.calls`. */
    public val target: String,
    /** What happened. */
    public val message: String,
    /** The values that belong to it. */
    public val fields: JsonObject,
)

private const val AT_ONCE = 64u

/** Hands records on, one after another, until the queue ends. What `receive` throws ends the thread's work on that record only. */
internal fun reading(logs: NativeLogs, receive: (LogRecord) -> Unit): Job =
    CoroutineScope(SupervisorJob() + Dispatchers.Default).launch {
        logs.use {
            while (true) {
                val records = it.next(AT_ONCE) ?: break
                lenient.decodeFromString<List<LogRecord>>(records).forEach { record -> runCatching { receive(record) } }
            }
        }
    }
