/** An open file. */

package io.tollway

import io.tollway.ffi.NativeEngine
import io.tollway.ffi.NativeLogs
import io.tollway.ffi.NativePart
import io.tollway.ffi.shutDown
import java.nio.file.Path
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.DurationUnit
import kotlin.time.toJavaDuration
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import kotlinx.serialization.builtins.ListSerializer
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive

/**
 * An open file: models, prices, budgets and the ledger, and the calls that are billed in it.
 *
 * It may be used by any coroutine. A coroutine that is cancelled gives its call up, whose request is then closed and billed by its
 * abandon policy.
 */
public class Tollway private constructor(engine: Engine, private val logs: NativeLogs?) : OpenFile(engine), AutoCloseable {
    /** The path of the file. */
    public val path: String
        get() = engine.native.path()

    /** Makes a chat call of one message; see [OpenFile.chat]. */
    public suspend fun chat(prompt: String, options: CallOptions? = null): ChatReply =
        chat(ChatRequest(messages = JsonPrimitive(prompt)), options = options)

    /**
     * Returns the pieces of a streamed chat, whose last one has the settled reply.
     *
     * Each collection makes a call of its own. A collector that is cancelled or leaves early gives it up.
     *
     * @param request What the model is asked.
     * @param extra Fields that only some providers know, by their own names.
     * @param options What Tollway does with the call.
     */
    public fun chatStream(
        request: ChatRequest,
        extra: Map<String, JsonElement>? = null,
        options: CallOptions? = null,
    ): Flow<StreamEvent> = flow {
        val given = OpenFileVerbs.chatStream.encode(ChatParameters(request, extra, options))
        engine.native.stream(given).use { stream ->
            try {
                while (true) {
                    val events = told { stream.next(EVENTS_AT_ONCE) } ?: break
                    lenient.decodeFromString(EVENTS, events).forEach { emit(it) }
                }
            } finally {
                stream.cancel()
            }
        }
    }

    /**
     * Answers a request of a vendor's own library: routed, capped and billed as any call, in the vendor's own format.
     *
     * @param request The request.
     * @param model The model to ask instead of the one that the request names, or where it names none.
     * @param options What Tollway does with the call.
     * @throws InvalidRequestException The request is none that can be answered, or an option is wrong.
     */
    public suspend fun fetch(request: FetchRequest, model: String? = null, options: CallOptions? = null): FetchResponse {
        val pairs = request.headers.map { (name, value) -> listOf(name, value) }
        val head = Json.encodeToString(FetchHead(request.method, request.url, pairs, model, options))
        val native = engine.native.fetch(head, request.body)
        var isHandedOver = false
        try {
            val first = told { native.next() } as? NativePart.Head ?: error("the engine gave an answer without a head; report it")
            val answer = lenient.decodeFromString<AnswerHead>(first.head)
            val headers = answer.headers.map { (name, value) -> name to value }
            return FetchResponse(answer.status, headers, native).also { isHandedOver = true }
        } finally {
            if (!isHandedOver) {
                native.cancel()
                native.close()
            }
        }
    }

    /**
     * Stops new calls and waits for settlements under way; returns whether all ended in time.
     *
     * @param timeout How long to wait at most.
     */
    public suspend fun shutdown(timeout: Duration = SETTLEMENTS): Boolean {
        val ended = engine.call(OpenFileVerbs.close, CloseOptions(timeout = timeout.toDouble(DurationUnit.SECONDS)))
        logs?.end()
        return ended
    }

    /** Shuts the file down as [shutdown] does, and blocks the thread meanwhile. */
    override fun close() {
        runBlocking { shutdown() }
    }

    /** Opens files, and does what is done to files that nobody has open. */
    public companion object : ClosedFiles() {
        private const val EVENTS_AT_ONCE = 64u
        private val EVENTS = ListSerializer(StreamEvent.serializer())
        private val SETTLEMENTS = 5.seconds

        init {
            // Calls under way are settled before the process ends.
            Runtime.getRuntime().addShutdownHook(Thread { shutDown(SETTLEMENTS.toJavaDuration()) })
        }

        /**
         * Opens a file, and makes it if there is none.
         *
         * @param path The file; `:memory:` is a ledger that ends with the process.
         * @param options The master key and the settings.
         * @param keySource What gives the master key, where the options have none.
         * @param onLog What is handed each record that the engine logs, one after another, by a coroutine of its own.
         * @throws InvalidRequestException An option is wrong, the key was given twice or not at all, or the source failed.
         * @throws WrongMasterKeyException The key is another one.
         * @throws NotATollwayFileException It is another kind of file.
         * @throws StorageException It cannot be read or written.
         */
        public suspend fun open(
            path: String,
            options: OpenOptions = OpenOptions(),
            keySource: KeySource? = null,
            onLog: ((LogRecord) -> Unit)? = null,
        ): Tollway {
            val logs = onLog?.let { receive -> NativeLogs.create().also { reading(it, receive) } }
            try {
                val given = OpenFileVerbs.open.encode(options)
                // A key store may take its time, and asks the thread that opens.
                val native = withContext(Dispatchers.IO) { told { NativeEngine.create(path, given, keySource?.let(::NativeKeySource), logs) } }
                val tollway = Tollway(Engine(native), logs)
                tollway.engine.call(OpenFileVerbs.open, NoOptions)
                return tollway
            } catch (failure: Throwable) {
                logs?.end()
                throw failure
            }
        }

        /** Opens a file; see the other. */
        public suspend fun open(path: Path, options: OpenOptions = OpenOptions(), keySource: KeySource? = null): Tollway =
            open(path.toString(), options, keySource)

        private val NoOptions = OpenOptions()
    }
}
