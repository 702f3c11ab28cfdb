package io.tollway

import java.nio.file.Path
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith
import kotlin.test.assertIs
import kotlin.test.assertTrue
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.TimeSource
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking

private const val SLOW = """[{"delay_ms":30000,"automatic":true}]"""
private const val TRICKLE = """[{"automatic":true,"chunk_delay_ms":200}]"""

/** Calls as an app makes them: awaited, streamed, cancelled and refused. */
public class CallsTest {
    private fun opened(work: suspend (Tollway, MockProvider) -> Unit): Unit = runBlocking {
        inFolder { folder ->
            MockProvider().use { mock ->
                open(folder).use { tollway ->
                    tollway.models.add(house("openai/house-model", mock.baseUrl, isDefault = true))
                    tollway.models.add(house("openai/slow", mock.script("slow", SLOW)))
                    tollway.models.add(house("openai/trickle", mock.script("trickle", TRICKLE)))
                    work(tollway, mock)
                }
            }
        }
    }

    private suspend fun open(folder: Path): Tollway =
        Tollway.open(folder.resolve("app.tollway"), OpenOptions(masterKey = MASTER_KEY, settings = Settings(maxRetries = 0)))

    private fun house(name: String, baseUrl: String, isDefault: Boolean = false) =
        ModelParameters(name = name, apiKey = "k", baseUrl = baseUrl, prices = PRICES, default = isDefault)

    private suspend fun recordOf(tollway: Tollway, user: String): UsageRecord {
        eventually { tollway.usage.records(RecordsOptions(filter = UsageFilter(user = user))).records.isNotEmpty() }
        return tollway.usage.records(RecordsOptions(filter = UsageFilter(user = user))).records.single()
    }

    @Test
    public fun aReplyIsBilledToTheLastDigit(): Unit = opened { tollway, _ ->
        val reply = tollway.chat("Name three rivers", CallOptions(user = "alice"))
        assertEquals("You said: Name three rivers", reply.text)
        assertEquals("0.00000345".toBigDecimal() to "USD", reply.cost to reply.currency)
        assertEquals(reply.cost, recordOf(tollway, "alice").costAmount)
    }

    @Test
    public fun aCancelledCoroutineClosesItsRequestAtOnceAndTheCallIsBilledByPolicy(): Unit = opened { tollway, mock ->
        coroutineScope {
            val call = launch { tollway.chat(ChatRequest(messages = text("Hi"), model = "openai/slow"), options = CallOptions(user = "bob")) }
            eventually { mock.counts("slow")["started"] == 1 }
            val begin = TimeSource.Monotonic.markNow()
            call.cancelAndJoin()
            eventually { mock.counts("slow")["aborted"] == 1 }
            val took = begin.elapsedNow()
            assertTrue(took < 100.milliseconds, "the request was open for $took more")
        }
        val record = recordOf(tollway, "bob")
        assertEquals(RecordStatus.CANCELLED to BilledBy.ESTIMATE, record.status to record.billedBy)
        assertEquals("You said: Hi", tollway.chat("Hi").text, "others go on")
    }

    @Test
    public fun aCollectorThatLeavesEarlyGivesTheStreamUpAndIsBilledForWhatArrived(): Unit = opened { tollway, mock ->
        val request = ChatRequest(messages = text("one two three four five six"), model = "openai/trickle")
        val piece = tollway.chatStream(request, options = CallOptions(user = "carol")).first { it.text.isNotEmpty() }
        assertTrue(piece.reply == null)
        eventually { mock.counts("trickle")["aborted"] == 1 }
        val record = recordOf(tollway, "carol")
        assertEquals(CostStatus.ESTIMATED, record.costStatus)
        assertTrue(record.costAmount!!.signum() > 0)
    }

    @Test
    public fun aStreamEndsWithItsSettledReply(): Unit = opened { tollway, _ ->
        val events = tollway.chatStream(ChatRequest(messages = text("Name three rivers"))).toList()
        assertEquals("You said: Name three rivers", events.joinToString("") { it.text })
        assertEquals("0.00000345".toBigDecimal(), events.last().reply?.cost)
    }

    @Test
    public fun aRefusalSaysWhatTheBudgetHad(): Unit = opened { tollway, _ ->
        tollway.budgets.set(BudgetOptions(user = "dave", limit = "0.000001".toBigDecimal(), currency = "USD", window = "total"))
        val error = assertFailsWith<BudgetExceededException> { tollway.chat("Hi", CallOptions(user = "dave")) }
        assertEquals("0.000001".toBigDecimal(), error.budget?.limit)
        assertTrue(error.message!!.startsWith("budget_exceeded: "), error.message)
    }

    @Test
    public fun aCapHoldsAgainstManyCoroutines(): Unit = opened { tollway, _ ->
        tollway.budgets.set(BudgetOptions(user = "erin", limitRequests = 10, window = "day"))
        val answered = coroutineScope {
            (1..64).map { async { runCatching { tollway.chat("Hi", CallOptions(user = "erin")) } } }.awaitAll().count { it.isSuccess }
        }
        assertEquals(10, answered)
        assertEquals(emptyList(), tollway.verify().damage)
    }

    @Test
    public fun aKeySourceGivesTheKeyAndWhatItThrowsIsAnError(): Unit = runBlocking {
        inFolder { folder ->
            val path = folder.resolve("app.tollway")
            Tollway.open(path, keySource = { MASTER_KEY }).use { assertEquals(emptyList(), it.models.list()) }
            val error = assertFailsWith<InvalidRequestException> { Tollway.open(path, keySource = { throw IllegalStateException("the device is locked") }) }
            assertTrue("IllegalStateException: the device is locked" in error.detail, error.detail)
            assertFailsWith<WrongMasterKeyException> { Tollway.open(path, OpenOptions(masterKey = "1e".repeat(32))) }
            val twice = assertFailsWith<InvalidRequestException> { Tollway.open(path, OpenOptions(masterKey = MASTER_KEY), keySource = { MASTER_KEY }) }
            assertTrue("both" in twice.detail, twice.detail)
        }
    }

    @Test
    public fun aFileThatWasShutDownRefusesCalls(): Unit = opened { tollway, _ ->
        assertTrue(tollway.shutdown())
        assertFailsWith<ClosedException> { tollway.chat("Hi") }
        assertTrue(tollway.shutdown(), "once more does no harm")
    }

    @Test
    public fun filesThatNobodyHasOpenAreCopiedAndRestored(): Unit = runBlocking {
        inFolder { folder ->
            open(folder).use { it.backup(folder.resolve("copy").toString()) }
            Tollway.restore(backup = folder.resolve("copy").toString(), path = folder.resolve("other").toString())
            Tollway.open(folder.resolve("other"), OpenOptions(masterKey = MASTER_KEY)).use { assertEquals(emptyList(), it.verify().damage) }
            assertFailsWith<NotFoundException> { Tollway.restore(backup = folder.resolve("nowhere").toString(), path = folder.resolve("third").toString()) }
        }
    }

    @Test
    public fun everyErrorHasAClassOfItsKind() {
        for (kind in ErrorKind.entries) {
            val error = exceptionOf(ErrorInfo(kind, "why"))
            assertEquals(kind to "why", error.kind to error.detail)
            assertIs<TollwayException>(error)
        }
        assertEquals(io.tollway.ffi.errorCodes(), ErrorKind.entries.map { ErrorInfo(it, "").code })
    }

    private fun text(prompt: String) = kotlinx.serialization.json.JsonPrimitive(prompt)
}
